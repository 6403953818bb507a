// Nothing is wrong here: wrong password once, one refresh ahead of expiry, 304, 307, 404, a WebSocket by ticket, logout.
let tokens = {};
const request = createClient(API, () => tokens.access_token);

(async function booksPage() {
  await request('GET', '/health');
  await request('POST', '/api/v1/auth/login', { username: USER, password: 'wrong-horse' });
  tokens = (await request('POST', '/api/v1/auth/login', { username: USER, password: PASSWORD })).data;
  const expires = performance.now() + tokens.expires_in * 1000;
  await request('GET', '/api/v1/books'); // 307 to the slash, same origin: the header survives
  await request('GET', '/api/v1/books/1');
  await request('GET', '/api/v1/books/1'); // 304
  await request('GET', '/api/v1/books/999'); // 404
  await request('POST', '/api/v1/books/', { title: 'Healthy' });
  const { ticket } = (await request('POST', '/api/v1/ws-ticket')).data;
  await new Promise((resolve) => {
    const socket = new WebSocket(`ws://localhost:8000/ws?ticket=${ticket}`);
    socket.onmessage = () => socket.send('bye');
    socket.onclose = resolve;
  });
  await sleep(expires - performance.now() - 3000);
  tokens = (await createClient(API, () => null)('POST', '/api/v1/auth/refresh/', { refresh_token: tokens.refresh_token })).data;
  await request('GET', '/api/v1/books/');
  await request('POST', '/api/v1/auth/logout');
  tokens = {};
  done();
})();
