// Class 5, parallel: six widgets meet the same expired token and each starts its own refresh.
const tokens = {};
const client = createClient(API, () => tokens.access_token);

async function request(method, path) {
  const answer = await client(method, path);
  if (answer.status !== 401) return answer;
  const refreshed = await client('POST', '/api/v1/auth/refresh/', { refresh_token: tokens.refresh_token });
  if (refreshed.status === 200) Object.assign(tokens, refreshed.data);
  else await sleep(500); // a loser waits for the winner's token: that is how this one recovers
  return client(method, path);
}

(async function dashboard() {
  const login = await client('POST', '/api/v1/auth/login', { username: USER, password: PASSWORD });
  Object.assign(tokens, login.data);
  await request('GET', '/api/v1/profile/');
  await sleep(8500); // the access token lives five seconds
  await Promise.all(['alerts', 'messages', 'orders', 'profile', 'stats', 'tasks'].map((name) => request('GET', `/api/v1/${name}/`)));
  done();
})();
