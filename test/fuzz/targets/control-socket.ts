/** Requests at the control socket, by a real server on a real socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControlServer } from '../../../src/control/server.ts';
import type { Status } from '../../../src/control/status.ts';
import { mutateText } from '../mutate-text.ts';
import { type Outcome, promised, type Target } from '../target.ts';

const words = [
  ...[
    'GET ',
    'POST ',
    'CONNECT ',
    'PRI * HTTP/2.0',
    ' HTTP/1.1\r\n',
    ' HTTP/0.9\r\n',
    '\r\n\r\n',
    '/v1/status',
    '/metrics',
  ],
  ...[
    '/healthz',
    'Host: x\r\n',
    'Content-Length: 5\r\n',
    'Content-Length: -1\r\n',
    'Transfer-Encoding: chunked\r\n',
    '%2e%2e',
  ],
  ...[
    'Expect: 100-continue\r\n',
    'Connection: Upgrade\r\nUpgrade: h2c\r\n',
    'Range: bytes=0-\r\n',
    '0\r\n\r\n',
    '?a=b',
    '#',
  ],
];
const seeds = [
  'GET /v1/status HTTP/1.1\r\nHost: protect-network\r\nConnection: close\r\n\r\n',
  'GET /metrics HTTP/1.0\r\nAccept: text/plain\r\n\r\n',
  'GET /healthz?verbose HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'POST /v1/status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'GET /v1/policy?zone=web HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /v1/policy?zone=%zz&zone=?&=& HTTP/1.1\r\nHost: x\r\n\r\n',
  'PUT /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello',
];
/** What is asked in one input: pipelined requests are answered one by one, a thousand at most. */
const answerBytes = 2048;

export async function controlRequests(): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), 'protect-network-fuzz-'));
  const path = join(directory, 's');
  const failures: unknown[] = [];
  const server = await startControlServer({
    socket: path,
    status: async () => status,
    metrics: async () => [],
    policy: async () => ({ zones: [] }),
    failed: (error) => failures.push(error),
  });
  return {
    name: 'control-requests',
    seeds,
    mutate: mutateText(words),
    outputBound: (bytes) => 64 * 1024 + (answerBytes * bytes) / 16,
    feed: async (input) => {
      const answer = await exchange(path, input);
      promised(failures.length === 0, `the server failed: ${String(failures[0])}`);
      return answer;
    },
    close: async () => {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Sends the bytes, says that there are no more, and reads until the server ends. */
function exchange(path: string, input: Buffer): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const socket = connect(path);
  let [size, head] = [0, ''];
  socket.on('data', (bytes: Buffer) => {
    size += bytes.length;
    if (head.length < 4096) head += bytes.toString('latin1');
  });
  // A refused request is cut off while it is being sent.
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    const codes = [...head.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => Number(code));
    promised(
      codes.every((code) => [100, 200, 400, 404, 405, 408, 413, 414, 417, 431, 503].includes(code)),
      `answers ${codes}`,
    );
    resolve({ kind: [...new Set(codes)].join(), size });
  });
  socket.end(input);
  return promise;
}

const status: Status = {
  version: '0',
  pid: 1,
  startedAt: 0,
  state: 'ready',
  subnets: { ipv4: '10.75.0.0/16', ipv6: null },
  uplinks: [],
  isolation: { antiSpoof: true, zoneToZone: 'allow', metadata: 'allow', host: 'allow' },
  fleet: null,
  leaving: { ipv4: 'masquerade', ipv6: null, noMasquerade: [] },
  directories: [],
  zones: [],
  lastPass: null,
  passes: 0,
  transactions: 0,
  repairs: 0,
  putBack: { nftables: 0, route: 0, 'neighbour-proxy': 0, link: 0, sysctl: 0, forwarding: 0, shaper: 0 },
  lastRepairs: [],
  failures: [],
  forwarder: null,
  warnings: [],
  faults: [],
};
