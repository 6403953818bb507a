// Writes a HAR in the shape of DevTools' export from the events of the DevTools protocol (CDP).
// It is our own writer, not DevTools' exporter: same fields, same quirks (preflights as entries of their own, listed after
// the request that caused them; a refused WebSocket is status 0 with the reason in _webSocketMessages; provisional headers
// when a request never left). Script and style bodies are left out, to keep the samples small.
import { readFileSync } from 'node:fs';

const HTTP = { 'http/1.1': 'HTTP/1.1', 'http/1.0': 'HTTP/1.0', h2: 'http/2.0', h3: 'h3' };
const list = (headers = {}) => Object.entries(headers).flatMap(([name, value]) =>
  // CDP joins repeated fields with a newline; Set-Cookie must stay separate.
  String(value).split('\n').map((one) => ({ name, value: one })));
const header = (headers, name) => list(headers).find((one) => one.name.toLowerCase() === name)?.value;
const size = (first, headers) => first.length + 4 + list(headers).reduce((sum, { name, value }) => sum + name.length + value.length + 4, 0);
const round = (ms) => Math.round(ms * 1000) / 1000;

export async function recordCdp(page, browserVersion) {
  const cdp = await page.context().newCDPSession(page);
  const requests = new Map(); // id → {hops, sentExtra, receivedExtra, …}: redirects share one id, hop by hop
  const pages = [];
  const bodies = [];
  const of = (id) => requests.get(id) ?? requests.set(id, { id, hops: [], sentExtra: [], receivedExtra: [], messages: [] }).get(id);
  const last = (id) => of(id).hops.at(-1);
  const on = (name, handle) => cdp.on(`Network.${name}`, handle);

  on('requestWillBeSent', (event) => {
    if (event.redirectResponse) {
      Object.assign(last(event.requestId), { response: event.redirectResponse, hasExtra: event.redirectHasExtraInfo, end: event.timestamp, redirect: event.request.url });
    }
    if (event.type === 'Document' && !event.redirectResponse) {
      pages.push({ startedDateTime: time(event.wallTime), id: `page_${pages.length + 1}`, title: event.request.url, pageTimings: {} });
    }
    of(event.requestId).hops.push({ ...event, page: pages.at(-1)?.id });
  });
  on('requestWillBeSentExtraInfo', (event) => of(event.requestId).sentExtra.push(event));
  on('responseReceivedExtraInfo', (event) => of(event.requestId).receivedExtra.push(event));
  on('responseReceived', (event) => Object.assign(last(event.requestId), { response: event.response, hasExtra: event.hasExtraInfo, received: event.timestamp, kind: event.type }));
  on('requestServedFromCache', (event) => { last(event.requestId).cached = true; });
  on('loadingFinished', (event) => {
    const hop = last(event.requestId);
    Object.assign(hop, { end: event.timestamp, transferred: event.encodedDataLength });
    if (hop.initiator?.type !== 'preflight') {
      bodies.push(cdp.send('Network.getResponseBody', { requestId: event.requestId }).then((body) => { hop.body = body; }, () => {}));
    }
  });
  on('loadingFailed', (event) => {
    const hop = last(event.requestId);
    if (hop) Object.assign(hop, { end: event.timestamp, error: event.errorText, kind: event.type });
  });
  on('webSocketCreated', (event) => { of(event.requestId).socket = event; });
  on('webSocketWillSendHandshakeRequest', (event) => of(event.requestId).hops.push({
    ...event, page: pages.at(-1)?.id, type: 'WebSocket', initiator: of(event.requestId).socket.initiator,
    request: { ...event.request, method: 'GET', url: of(event.requestId).socket.url },
  }));
  on('webSocketHandshakeResponseReceived', (event) => Object.assign(last(event.requestId), { response: event.response, received: event.timestamp }));
  const message = (type) => (event) => of(event.requestId).messages.push({
    type, time: event.timestamp, opcode: event.response?.opcode ?? -1, data: event.response?.payloadData ?? event.errorMessage });
  on('webSocketFrameSent', message('send'));
  on('webSocketFrameReceived', message('receive'));
  on('webSocketFrameError', message('error'));
  on('webSocketClosed', (event) => { last(event.requestId).end = event.timestamp; });

  await cdp.send('Network.enable');
  // Call stacks across await need the debugger's bookkeeping.
  await cdp.send('Debugger.enable');
  await cdp.send('Debugger.setAsyncCallStackDepth', { maxDepth: 8 });

  return async function finish() {
    await Promise.all(bodies);
    const entries = [...requests.values()].flatMap((request) => {
      let extra = 0; // the n-th extra event belongs to the n-th hop that announced one
      return request.hops.map((hop) => {
        const announced = hop.hasExtra ?? request.sentExtra.length > extra;
        const n = announced ? extra++ : -1;
        return entry(request, hop, request.sentExtra[n], request.receivedExtra[n]);
      });
    });
    entries.sort((a, b) => a.issued - b.issued);
    for (const one of entries) delete one.issued;
    return { log: { version: '1.2', creator: { name: 'authtrace capture lab (CDP writer)', version: '1' },
      browser: { name: 'Chromium', version: browserVersion }, pages, entries } };
  };
}

const time = (wall) => new Date(wall * 1000).toISOString();

function entry(request, hop, sent, received) {
  const { response } = hop;
  const socket = hop.type === 'WebSocket';
  const url = hop.request.url;
  // A WebSocket's handshake has its real headers in the response event, if there is one.
  const requestHeaders = sent?.headers ?? (socket ? response?.requestHeaders : undefined) ?? hop.request.headers;
  // A body hidden by CORS has no response event, but the wire had an answer: DevTools shows its status and headers.
  const status = socket ? response?.status ?? 0 : received?.statusCode ?? response?.status ?? 0;
  const responseHeaders = received?.headers ?? response?.headers ?? {};
  const answered = status > 0;
  // For a 304 the response event tells of the stored 200; the raw text has the status line of the wire.
  const statusText = received?.headersText?.match(/^HTTP\/\S+ \d+ (.*?)\r?\n/)?.[1] ?? response?.statusText ?? '';
  const path = url.replace(/^\w+:\/\/[^/]+/, '') || '/';
  const type = header(responseHeaders, 'content-type') ?? response?.mimeType;
  const mime = type ?? 'x-unknown';
  const text = hop.body && !/javascript|css|image/.test(mime) && hop.body.body.length > 0 ? { text: hop.body.body, ...(hop.body.base64Encoded && { encoding: 'base64' }) } : {};
  const length = hop.body ? hop.body.body.length : 0;
  // A preflight is announced late, when the browser process gets to it; the network's own clock knows better.
  hop.start = hop.initiator?.type === 'preflight' ? Math.min(hop.timestamp, response?.timing?.requestTime ?? hop.timestamp) : hop.timestamp;
  const timings = phases(hop);
  return {
    issued: hop.start,
    _initiator: hop.initiator,
    _priority: hop.request.initialPriority ?? null,
    _resourceType: hop.initiator?.type === 'preflight' ? 'preflight' : (hop.type ?? hop.kind ?? 'Other').toLowerCase(),
    ...((hop.cached || response?.fromDiskCache) && { _fromCache: hop.cached ? 'memory' : 'disk' }),
    cache: {},
    ...(response?.connectionId && { _connectionId: String(response.connectionId) }),
    pageref: hop.page,
    request: {
      method: hop.request.method, url: url.split('#')[0], httpVersion: answered && !socket ? HTTP[response?.protocol] ?? 'HTTP/1.1' : '',
      headers: list(requestHeaders),
      queryString: [...new URL(url).searchParams].map(([name, value]) => ({ name, value })),
      cookies: (header(requestHeaders, 'cookie') ?? '').split('; ').filter(Boolean).map((pair) => {
        const at = pair.indexOf('=');
        return { name: pair.slice(0, at), value: pair.slice(at + 1) };
      }),
      headersSize: sent ? size(`${hop.request.method} ${path} HTTP/1.1`, requestHeaders) : -1,
      bodySize: hop.request.postData?.length ?? 0,
      ...(hop.request.postData !== undefined && { postData: postData(hop.request.postData, header(requestHeaders, 'content-type') ?? '') }),
    },
    response: {
      status, statusText: answered ? statusText : '', httpVersion: answered ? HTTP[response?.protocol] ?? 'HTTP/1.1' : '',
      headers: answered ? list(responseHeaders) : [],
      cookies: list(responseHeaders).filter((one) => one.name.toLowerCase() === 'set-cookie').map(({ value }) => {
        const [pair, ...rest] = value.split('; ');
        return { name: pair.split('=')[0], value: pair.slice(pair.indexOf('=') + 1), httpOnly: /httponly/i.test(rest.join()), secure: /secure/i.test(rest.join()) };
      }),
      content: { size: length, mimeType: mime.split(';')[0], ...text },
      redirectURL: hop.redirect ? header(responseHeaders, 'location') ?? '' : '',
      headersSize: answered && received ? size(`HTTP/1.1 ${status} ${statusText}`, responseHeaders) : -1,
      bodySize: answered && !socket ? Number(header(responseHeaders, 'content-length') ?? -1) : -1,
      _transferSize: hop.cached ? 0 : Math.round(hop.transferred ?? 0),
      _error: hop.error ?? null,
    },
    serverIPAddress: response?.remoteIPAddress ?? '',
    startedDateTime: time(hop.wallTime + hop.start - hop.timestamp),
    time: round(Object.entries(timings).reduce((sum, [name, ms]) => sum + (name !== 'ssl' && !name.startsWith('_') && ms > 0 ? ms : 0), 0)),
    timings,
    ...(socket && { _webSocketMessages: request.messages.map((one) => ({ ...one, time: hop.wallTime + one.time - hop.timestamp })) }),
  };
}

const postData = (text, mimeType) => ({ mimeType, text,
  ...(mimeType.startsWith('application/x-www-form-urlencoded') && { params: [...new URLSearchParams(text)].map(([name, value]) => ({ name, value })) }) });

// CDP gives each phase in ms after requestTime, -1 where there was none (a reused connection has neither dns nor connect).
function phases(hop) {
  const total = Math.max(0, ((hop.end ?? hop.received ?? hop.start) - hop.start) * 1000);
  const t = hop.cached ? undefined : hop.response?.timing; // the memory cache repeats the timing of the first load
  if (!t) return { blocked: -1, dns: -1, ssl: -1, connect: -1, send: 0, wait: round(total), receive: 0 };
  const queued = (t.requestTime - hop.start) * 1000;
  const first = [t.dnsStart, t.connectStart, t.sendStart].find((ms) => ms >= 0) ?? 0;
  const span = (start, end) => (start >= 0 ? round(end - start) : -1);
  return {
    blocked: round(Math.max(0, queued + first)), dns: span(t.dnsStart, t.dnsEnd), ssl: span(t.sslStart, t.sslEnd),
    connect: span(t.connectStart, t.connectEnd), send: span(t.sendStart, t.sendEnd), wait: round(t.receiveHeadersEnd - t.sendEnd),
    receive: round(Math.max(0, total - queued - t.receiveHeadersEnd)), _blocked_queueing: round(Math.max(0, queued)),
  };
}

// Playwright's own HAR, made small the same way.
export function slimPlaywright(file) {
  const har = JSON.parse(readFileSync(file, 'utf8'));
  for (const { response } of har.log.entries) {
    if (/javascript|css|image/.test(response.content.mimeType)) delete response.content.text;
  }
  return har;
}
