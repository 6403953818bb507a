// Class 5: the 401 handler wraps every call, the refresh call too, so a refused refresh refreshes again.
const tokens = {};
const client = createClient(API, () => tokens.access_token);

async function request(method, path, body, depth = 0) {
  const answer = await client(method, path, body);
  if (answer.status !== 401 || depth >= 12) return answer; // the stack would overflow; real ones stop at a rate limit
  const refreshed = await request('POST', '/api/v1/auth/refresh/', { refresh_token: tokens.refresh_token }, depth + 1);
  if (refreshed.status === 200) Object.assign(tokens, refreshed.data);
  return depth === 0 ? client(method, path, body) : refreshed;
}

(async function dashboard() {
  const login = await request('POST', '/api/v1/auth/login', { username: USER, password: PASSWORD });
  Object.assign(tokens, login.data);
  await request('GET', '/api/v1/profile/');
  await request('GET', '/api/v1/notifications/');
  await sleep(9000); // longer than both tokens live
  await request('GET', '/api/v1/profile/');
  await sleep(200);
  location.assign('/sign-in'); // forced out
})();
