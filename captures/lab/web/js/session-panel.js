// The defect: a raw fetch that trusts the cookie; the API reads only the Authorization header.
async function startSession() {
  await fetch(`${API}/api/v1/sessions`, {
    method: 'POST', credentials: 'include', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ kind: 'study' }),
  });
}
