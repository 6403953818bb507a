// Class 4a: three builds of one page, each with another idea of what the token is.
const auth = createAuth();

(async function portfolio() {
  const build = Number(new URLSearchParams(location.search).get('build'));
  await auth.load();
  const template = build === 3 ? await auth.mint('lab-api') : null;
  const request = createClient(API, () => [auth.session().id, auth.getToken(), template][build - 1]);
  for (let attempt = 0; attempt < [4, 2, 2][build - 1]; attempt++) { // a query library that retries
    await request('GET', '/api/v1/portfolios/');
    await sleep(250);
  }
  if (build === 3) return done();
  await sleep(build === 2 ? 11_000 : 500); // the fix takes a while: not a retry of the same call
  location.assign(`/portfolio?build=${build + 1}`);
})();
