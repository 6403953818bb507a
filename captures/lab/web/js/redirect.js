// A missing slash: the redirect's absolute Location names another port, the browser drops Authorization there.
(async function dashboard() {
  const base = location.origin; // page and API behind one proxy
  const login = await createClient(base, () => null)('POST', '/api/v1/auth/login', { username: USER, password: PASSWORD });
  const request = createClient(base, () => login.data.access_token);
  await request('GET', '/api/v1/profile/');
  await request('GET', '/api/v1/portfolios').catch(() => {});
  await request('GET', '/api/v1/profile/');
  await request('GET', '/api/v1/profile/1');
  done();
})();
