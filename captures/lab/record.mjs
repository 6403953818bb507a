// Drives a real Chromium through the sample pages and writes the HARs and packets. Started by ./record, which sets LAB_SCRATCH.
// usage: record.mjs [SAMPLE…]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { recordCdp, slimPlaywright } from './har.mjs';
import { recordPackets } from './packets.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const scratch = process.env.LAB_SCRATCH;
const { chromium } = createRequire(join(scratch, 'npm/package.json'))('playwright-core');

const signedIn = (path) => `http://localhost:3000/sign-in?to=${encodeURIComponent(path)}`;
// cdp and playwright: the file each form is written to; server: which FastAPI; packets: the container, else pcapng.
const SAMPLES = {
  healthy: { url: 'http://localhost:3000/books', cdp: 'healthy', playwright: 'healthy.playwright' },
  race: { url: signedIn('/books'), cdp: 'race', playwright: 'race.playwright' },
  'race-rejected': { url: signedIn('/books'), cdp: 'race-rejected' },
  bypass: { url: 'http://localhost:3000/workspace', cdp: 'bypass', server: 'old' },
  'bypass-401': { url: 'http://localhost:3000/workspace', cdp: 'bypass-401' },
  'secret-mismatch': { url: 'http://localhost:3000/chat', cdp: 'secret-mismatch', playwright: 'secret-mismatch.playwright' },
  'websocket-403': { url: 'http://localhost:3000/chat', cdp: 'websocket-403' },
  'wrong-token': { url: signedIn('/portfolio?build=1'), playwright: 'wrong-token' },
  preflight: { url: signedIn('/dashboard'), cdp: 'preflight', packets: 'pcap' },
  storm: { url: 'http://localhost:3000/dashboard', cdp: 'storm', packets: 'any' },
  herd: { url: 'http://localhost:3000/dashboard', playwright: 'herd' },
  redirect: { url: 'http://localhost:8000/dashboard', cdp: 'redirect' },
  issuer: { url: `${signedIn('/dashboard')}&also=${encodeURIComponent('http://localhost:4101')}`, playwright: 'issuer', packets: 'gzip' },
};

async function serve(sample, flavour) {
  const server = spawn(join(scratch, flavour, 'bin/python'), [join(here, 'servers.py'), sample], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(server.stdout, 'data');
  for (const port of JSON.parse(line)) while (!(await listens(port))) await sleep(50);
  return server;
}

const listens = (port) => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
  socket.on('error', () => resolve(false));
});

// One entry a line: a diff shows which exchange changed.
const save = (name, { log: { entries, pages, ...head } }) => {
  const lines = (items) => items.map((item) => `   ${JSON.stringify(item)}`).join(',\n');
  const text = JSON.stringify({ log: head }).replace(/}}$/, '');
  writeFileSync(join(here, '..', `${name}.har`), `${text},\n  "pages": [\n${lines(pages)}\n  ],\n  "entries": [\n${lines(entries)}\n  ]}}\n`);
};

async function record(browser, name, { url, cdp, playwright, server: flavour = 'new', packets = 'pcapng' }) {
  const server = await serve(name, flavour);
  const scrap = join(scratch, 'playwright.har');
  try {
    const stopPackets = await recordPackets(packets, join(scratch, 'packets'), join(here, '..', name));
    const context = await browser.newContext(playwright ? { recordHar: { path: scrap, mode: 'full', content: 'embed' } } : {});
    const page = await context.newPage();
    page.on('pageerror', (error) => console.error(`${name}: ${error}`));
    const finish = cdp && await recordCdp(page, browser.version());
    await page.goto(url);
    await page.waitForSelector('html[data-done]', { state: 'attached', timeout: 60_000 });
    await sleep(300);
    if (cdp) save(cdp, await finish());
    await context.close();
    if (playwright) save(playwright, slimPlaywright(scrap));
    await sleep(700); // connections close, and what the kernel still holds back reaches the file
    await stopPackets();
  } finally {
    rmSync(scrap, { force: true });
    server.kill('SIGKILL');
    await once(server, 'close');
  }
  console.log(`recorded ${name}`);
}

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium', headless: true,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP localhost 127.0.0.1'],
});
for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SAMPLES)) await record(browser, name, SAMPLES[name]);
await browser.close();
