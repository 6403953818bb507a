// An SDK-like token source: until load() is through, getToken() gives null instead of waiting.
function createAuth(provider = 'http://localhost:4100') {
  let token = null, session = null;
  async function mint(template) {
    const path = `/v1/client/sessions/${session.id}/tokens${template ? `/${template}` : ''}`;
    const answer = await fetch(provider + path, { method: 'POST', credentials: 'include' });
    return (await answer.json()).jwt;
  }
  async function load() {
    const answer = await fetch(`${provider}/v1/client`, { credentials: 'include' });
    [session] = (await answer.json()).sessions;
    token = await mint();
  }
  return { load, mint, getToken: () => token, session: () => session };
}
