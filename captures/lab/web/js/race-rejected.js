// Looks like a race, is none: the token is there for more than a second before the widget asks.
const auth = createAuth();
const request = createClient(API, auth.getToken);

(async function booksPage() {
  await auth.load();
  await request('GET', '/health');
  await request('GET', '/api/v1/books/');
  await sleep(1300);
  await shareWidget.refresh();
  await request('POST', '/api/v1/books/', { title: 'In time' });
  await request('GET', '/api/v1/shares/'); // the same route through the shared client
  await sleep(500);
  await shareWidget.refresh();
  await request('GET', '/api/v1/books/1');
  await request('GET', '/api/v1/books/');
  done();
})();
