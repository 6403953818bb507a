// The shared axios instance: its interceptor attaches the token.
const http = axios.create({ baseURL: API, withCredentials: true });
let accessToken = null;
http.interceptors.request.use(function attachToken(config) {
  if (accessToken) config.headers.Authorization = `Bearer ${accessToken}`;
  return config;
});
