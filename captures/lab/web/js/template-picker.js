// The latent second defect: another default for the API's address; nothing listens there.
const TEMPLATE_API = 'http://localhost:8002';
async function loadTemplates() {
  await fetch(`${TEMPLATE_API}/api/v1/documents/`, { credentials: 'include' }).catch(() => {});
}
