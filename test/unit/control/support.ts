/** What the tests of the control socket share: temporary places, a canned status, raw requests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { type ControlSources, startControlServer, startMetricsServer } from '../../../src/control/server.ts';
import type { WebSources } from '../../../src/control/web.ts';
import { address, noon, statusOf } from './canned.ts';

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'protect-network-control-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const answers: ControlSources & WebSources = {
  talk: async () => ({ at: noon, connections: 0, pairs: [] }),
  status: async () => statusOf(),
  metrics: async () => [],
  policy: async () => ({ zones: [] }),
};

/** A server that is closed when the test ends. */
export async function serving(options: Partial<ControlSources> & { socket: string }) {
  const server = await startControlServer({ ...answers, ...options });
  onTestFinished(() => server.close());
  return server;
}

/** The same by TCP. */
export async function servingMetrics(
  port: number,
  host = '127.0.0.1',
  options: Partial<ControlSources & WebSources> = {},
) {
  const server = await startMetricsServer({ ...answers, ...options, listen: { host: address(host), port } });
  onTestFinished(() => server.close());
  return server;
}

export { address, noon, statusOf, zoneOf } from './canned.ts';

export interface HttpAnswer {
  readonly code: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Where = { readonly socketPath: string } | { readonly host: string; readonly port: number };

export function ask(where: Where, path: string, method = 'GET', headers = {}): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const call = request({ ...where, path, method, headers, agent: false, timeout: 5000 }, (response) => {
      text(response).then((answer) => {
        resolve({ code: response.statusCode, headers: response.headers, body: answer });
      }, reject);
    });
    call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer`)));
    call.on('error', reject);
    call.end();
  });
}

/** Sends `bytes` and returns all that comes until the other side closes. */
export function sendRaw(socketPath: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let answer = '';
    socket.setEncoding('latin1').setTimeout(12_000, () => socket.destroy(new Error('it was not closed')));
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', reject).on('close', () => resolve(answer));
    socket.write(bytes);
  });
}

/** Of 127.0.0.1, free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server, 0);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The port, or 0 for a path; closed when the test ends. */
export function listening(server: Server, where: number | string): Promise<number> {
  onTestFinished(() => void server.close());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(typeof where === 'string' ? { path: where } : { port: where, host: '127.0.0.1' }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}
