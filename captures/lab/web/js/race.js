// Class 1: the page calls the API before the SDK has a token.
const auth = createAuth();
const request = createClient(API, auth.getToken);
const listBooks = () => request('GET', '/api/v1/books/');
const createBook = (title) => request('POST', '/api/v1/books/', { title });

(async function booksPage() {
  const ready = auth.load(); // the defect: started, not awaited
  await request('GET', '/health');
  await listBooks();
  await createBook('Too early');
  await ready;
  await sleep(300);
  await listBooks();
  await request('GET', '/api/v1/books/1');
  await sleep(11_000); // the person presses Save again: no automatic retry, hence more than ten seconds later
  await createBook('In time');
  done();
})();
