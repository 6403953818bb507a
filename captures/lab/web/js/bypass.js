// Class 2: axios with the token before and after, one raw fetch without it in between.
(async function workspace() {
  const login = await http.post('/api/v1/auth/login', { username: USER, password: PASSWORD });
  accessToken = login.data.access_token;
  await http.get('/api/v1/auth/me');
  await http.get('/api/v1/documents/');
  await startSession();
  await http.post('/api/v1/documents/', { title: 'Notes' });
  await loadTemplates();
  await sleep(800);
  await startSession();
  await http.get('/api/v1/documents/1');
  await http.get('/api/v1/auth/me');
  done();
})();
