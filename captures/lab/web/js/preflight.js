// Class 4b: the browser asks first, two answers do not allow Authorization, so those requests never leave.
const auth = createAuth();
const request = createClient(API, auth.getToken);

(async function dashboard() {
  await auth.load();
  await request('GET', '/api/v1/quotes/');
  await request('GET', '/api/v1/portfolios/').catch(() => {});
  await request('POST', '/api/v1/orders/', { title: 'Ten shares' }).catch(() => {});
  await sleep(400);
  await request('GET', '/api/v1/quotes/');
  await request('GET', '/api/v1/quotes/1');
  done();
})();
