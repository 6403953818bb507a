// Records the packets of one sample beside its HAR: the lab's ports on loopback, whole packets. Needs dumpcap.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const FILTER = 'tcp and (port 3000 or portrange 4100-4101 or portrange 8000-8002)'; // nothing listens on 8002: bypass calls it

// What a sample's packets are stored in. People bring all of these, so the samples do too.
const CONTAINERS = {
  pcapng: { suffix: 'pcapng', options: ['-i', 'lo'], finish: withoutMachine },
  gzip: { suffix: 'pcapng.gz', options: ['-i', 'lo'], finish: (bytes) => gzipSync(withoutMachine(bytes), { level: 9 }) },
  pcap: { suffix: 'pcap', options: ['-i', 'lo', '-P'] }, // classic, microseconds
  any: { suffix: 'pcap', options: ['-i', 'any', '-y', 'LINUX_SLL2', '-P'] },
};

const running = new Set();
process.on('exit', () => running.forEach((recorder) => recorder.kill())); // also when a page went wrong

// Starts to record; resolves, once packets are being taken, to a function that stops and saves `target` with the suffix.
export async function recordPackets(container, scrap, target) {
  const { suffix, options, finish = (bytes) => bytes } = CONTAINERS[container];
  rmSync(scrap, { force: true });
  const recorder = spawn('dumpcap', ['-q', ...options, '-s', '0', '-f', FILTER, '-w', scrap], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(recorder, 'close');
  running.add(recorder);
  let said = '';
  await new Promise((resolve, reject) => {
    recorder.stderr.setEncoding('utf8').on('data', (text) => { said += text; if (/^File: /m.test(said)) resolve(); });
    recorder.on('error', reject).on('close', () => reject(new Error(`dumpcap did not start: ${said.trim()}`)));
  });
  return async function stop() {
    recorder.kill('SIGINT');
    await ended;
    running.delete(recorder);
    if (!/received\/dropped on .*: \d+\/0 /.test(said)) throw new Error(`dumpcap lost packets: ${said.trim()}`);
    writeFileSync(`${target}.${suffix}`, finish(readFileSync(scrap)));
    rmSync(scrap);
  };
}

// dumpcap notes the CPU and the kernel of the recording machine (options hardware and os of the section, os of the
// interface). They are nobody's business and differ in every recording; everything else stays as it was written.
function withoutMachine(bytes) {
  const blocks = [];
  for (let at = 0; at < bytes.length;) {
    const type = bytes.readUInt32LE(at);
    const length = bytes.readUInt32LE(at + 4);
    const block = bytes.subarray(at, at + length);
    blocks.push(type === 0x0a0d0d0a ? withoutOptions(block, 24, [2, 3]) : type === 1 ? withoutOptions(block, 16, [12]) : block);
    at += length;
  }
  return Buffer.concat(blocks);
}

function withoutOptions(block, fixed, codes) {
  const kept = [block.subarray(0, fixed)];
  for (let at = fixed; at < block.length - 4;) {
    const length = 4 + Math.ceil(block.readUInt16LE(at + 2) / 4) * 4;
    if (!codes.includes(block.readUInt16LE(at))) kept.push(block.subarray(at, at + length));
    at += length;
  }
  const out = Buffer.concat([...kept, block.subarray(-4)]);
  out.writeUInt32LE(out.length, 4);
  out.writeUInt32LE(out.length, out.length - 4);
  return out;
}
