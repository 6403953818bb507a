// One module still has the dev tenant's address: its tokens are sound, but of the wrong issuer.
const staging = createAuth('http://localhost:4100');
const dev = createAuth('http://localhost:4101');
const request = createClient(API, staging.getToken);
const reportsRequest = createClient(API, dev.getToken);

(async function dashboard() {
  await staging.load();
  await dev.load();
  await request('GET', '/api/v1/accounts/');
  await reportsRequest('GET', '/api/v1/reports/');
  await request('GET', '/api/v1/accounts/1');
  await sleep(600);
  await reportsRequest('GET', '/api/v1/reports/');
  await request('GET', '/api/v1/reports/'); // the same route with the right tenant's token
  await request('POST', '/api/v1/accounts/', { title: 'Savings' });
  done();
})();
