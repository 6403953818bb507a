// A component with its own token provider, which nobody ever sets.
const shareWidget = {
  tokenProvider: null,
  async refresh() {
    const token = this.tokenProvider ? await this.tokenProvider() : null;
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    await fetch(`${API}/api/v1/shares/`, { headers });
  },
};
