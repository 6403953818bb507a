// Class 3: REST with Bearer, WebSocket with the token as subprotocol, three attempts with back-off.
function connect(token) {
  return new Promise((resolve) => {
    const socket = new WebSocket('ws://localhost:8000/ws', ['access_token', token]);
    socket.onclose = resolve;
  });
}

(async function chatPage() {
  const form = new URLSearchParams({ grant_type: 'password', username: USER, password: PASSWORD });
  const token = (await (await fetch('http://localhost:4100/oauth/token', { method: 'POST', body: form })).json()).access_token;
  const request = createClient(API, () => token);
  await fetch(`${API}/health`);
  await request('GET', '/api/v1/threads/');
  await request('GET', '/api/v1/runs/');
  for (const pause of [300, 600, 1200]) {
    await connect(token);
    await sleep(pause);
  }
  await request('GET', '/api/v1/threads/');
  done();
})();
