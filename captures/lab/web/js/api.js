// The page's shared HTTP client: one place that attaches the token; and what every sample page needs.
const API = 'http://localhost:8000';
const USER = 'ada@example.test', PASSWORD = 'correct-horse'; // synthetic
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const done = () => { document.documentElement.dataset.done = '1'; };

function createClient(base, getToken) {
  return async function request(method, path, body) {
    const headers = {};
    const token = await getToken();
    if (token) headers.Authorization = `Bearer ${token}`; // no token: sent without, which is what lets a race through
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const answer = await fetch(base + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, data: text && answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text };
  };
}
