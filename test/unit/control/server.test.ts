import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fetchPolicy } from '../../../src/control/fetch-status.ts';
import { counter, family } from '../../../src/control/open-metrics.ts';
import { startControlServer } from '../../../src/control/server.ts';
import { hasCode } from '../../../src/model/errors.ts';
import { ask, freePort, listening, sendRaw, serving, servingMetrics, statusOf, temporaryDirectory } from './support.ts';

const figures = [family('repairs', 'counter', 'Figures.', [counter(2)])];
const nothing = { status: async () => statusOf(), metrics: async () => [], policy: async () => ({ zones: [] }) };

test('answers what it knows, and says what there is for everything else', async () => {
  const socketPath = join(temporaryDirectory(), 'control.sock');
  await serving({ socket: socketPath, metrics: async () => figures });

  const status = await ask({ socketPath }, '/v1/status?pretty');
  expect([status.code, JSON.parse(status.body)]).toEqual([200, statusOf()]);
  const metrics = await ask({ socketPath }, '/metrics');
  expect([metrics.code, metrics.body]).toEqual([
    200,
    '# TYPE protect_network_repairs counter\n# HELP protect_network_repairs Figures.\nprotect_network_repairs_total 2\n# EOF\n',
  ]);
  expect(metrics.headers['content-type']).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
  expect(await ask({ socketPath }, '/healthz')).toMatchObject({
    code: 200,
    body: expect.stringMatching(/^ok\ncontrol-api absent: .*\nstatic answered: /),
  });

  const absent = await ask({ socketPath }, '/v1/nothing');
  expect([absent.code, JSON.parse(absent.body)]).toEqual([
    404,
    { error: 'not found; available: /metrics, /healthz, /v1/status, /v1/policy' },
  ]);
});

test('asks for the policy of the zone that is named, and for none without a name', async () => {
  const socketPath = join(temporaryDirectory(), 'control.sock');
  const asked: string[] = [];
  const zone = { link: 'vif7.0', name: 'a b&c', policy: 'audit', leases: [], denials: [] } as const;
  const policy = async (name: string) => {
    asked.push(name);
    return { zones: [zone] };
  };
  await serving({ socket: socketPath, policy });
  expect(await fetchPolicy(socketPath, 'a b&c')).toEqual({ zones: [zone] });
  expect(asked).toEqual(['a b&c']);
  expect(await ask({ socketPath }, '/v1/policy')).toMatchObject({ code: 400, body: expect.stringContaining('zone=') });
});

test('understands nothing that could change something', async () => {
  const socketPath = join(temporaryDirectory(), 'control.sock');
  await serving({ socket: socketPath });
  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS']) {
    expect(await ask({ socketPath }, '/v1/status', method)).toMatchObject({ code: 405, headers: { allow: 'GET' } });
  }
  const withBody = 'GET /v1/status HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhello';
  expect(await sendRaw(socketPath, withBody)).toMatch(/^HTTP\/1.1 413 /);
});

test('is unhealthy with its reasons', async () => {
  const socketPath = join(temporaryDirectory(), 'control.sock');
  const failures = [{ what: 'vif7.0', reason: 'no such device', attempts: 2, nextTryAt: 0 }];
  const status = async () => statusOf({ state: 'degraded', failures, warnings: ['daemon.toml does not exist'] });
  await serving({ socket: socketPath, status });
  const { code, body } = await ask({ socketPath }, '/healthz');
  expect(code).toBe(503);
  expect(body).toMatch(
    /^degraded\ncontrol-api absent: .*\nstatic answered: .*\nvif7\.0: no such device\ndaemon\.toml does not exist\n$/,
  );
});

test('says so, and lives on, when the figures cannot be read', async () => {
  const socketPath = join(temporaryDirectory(), 'control.sock');
  const told: unknown[] = [];
  const status = () => Promise.reject(new Error('nft is gone'));
  await serving({ socket: socketPath, status, failed: (error) => told.push(error) });
  const { code, body } = await ask({ socketPath }, '/v1/status');
  expect([code, JSON.parse(body), told]).toEqual([500, { error: 'nft is gone' }, [new Error('nft is gone')]]);
  expect(await ask({ socketPath }, '/metrics')).toMatchObject({ code: 200 });
});

test('reads the counters once for everybody who asks meanwhile', async () => {
  const socketPath = join(temporaryDirectory(), 'control.sock');
  let reads = 0;
  const gate = Promise.withResolvers<void>();
  const status = async () => {
    reads += 1;
    await gate.promise;
    return statusOf();
  };
  await serving({ socket: socketPath, status });
  const answers = [1, 2, 3].map(() => ask({ socketPath }, '/v1/status'));
  // Answered on another route after all three have been accepted: connections are accepted in order.
  await ask({ socketPath }, '/metrics');
  gate.resolve();
  expect((await Promise.all(answers)).map(({ code }) => code)).toEqual([200, 200, 200]);
  expect(reads).toBe(1);
  await ask({ socketPath }, '/v1/status');
  expect(reads).toBe(2);
});

test('hangs up on headers that are too large or never end', async () => {
  const socketPath = join(temporaryDirectory(), 'control.sock');
  await serving({ socket: socketPath });
  expect(await sendRaw(socketPath, `GET / HTTP/1.1\r\nx: ${'x'.repeat(9000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /);
  expect(await sendRaw(socketPath, 'GET / HTTP/1.1\r\nhost: x\r\nx: ')).toMatch(/^HTTP\/1.1 408 /);
}, 20_000);

test('takes a bounded number of connections', async () => {
  const socketPath = join(temporaryDirectory(), 'control.sock');
  await serving({ socket: socketPath });
  const sockets = Array.from({ length: 80 }, () => connect(socketPath).on('error', () => undefined));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  const turnedAway = Promise.all(
    sockets.slice(64).map((socket) => new Promise((resolve) => socket.on('close', resolve))),
  );
  await turnedAway;
  expect(sockets.filter((socket) => !socket.destroyed).length).toBe(64);
});

test('serves no more of the status by TCP than figures, health and the web view', async () => {
  const port = await freePort();
  await servingMetrics(port);
  const where = { host: '127.0.0.1', port };
  expect(await ask(where, '/metrics')).toMatchObject({ code: 200 });
  expect(await ask(where, '/healthz')).toMatchObject({ code: 200 });
  expect(await ask(where, '/v1/status')).toMatchObject({ code: 404 });
});

test('says so where the TCP port is taken', async () => {
  const port = await listening(createServer(), 0);
  await expect(servingMetrics(port)).rejects.toThrow(`cannot serve metrics on 127.0.0.1 port ${port}`);
});

test('makes its directory for everybody to enter and its socket for root alone, whatever the umask', async () => {
  const directory = join(temporaryDirectory(), 'run');
  const umask = process.umask(0);
  onTestFinished(() => void process.umask(umask));
  await serving({ socket: join(directory, 'control.sock') });
  expect(lstatSync(directory).mode & 0o7777).toBe(0o755);
  expect(lstatSync(join(directory, 'control.sock')).mode & 0o7777).toBe(0o600);
  expect(readdirSync(directory)).toEqual(['control.sock']);
});

test('takes the place of a dead daemon, and never of a live one', async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'control.sock');
  await leaveDeadSocket(directory, socketPath);
  await serving({ socket: socketPath });

  const second = startControlServer({ socket: socketPath, ...nothing });
  await expect(second).rejects.toSatisfy((error) => hasCode(error, 'conflict'));
  await expect(second).rejects.toThrow(/^another protect-network is running/);
  expect(await ask({ socketPath }, '/healthz')).toMatchObject({ code: 200 });
  expect(readdirSync(directory)).toEqual(['control.sock']);
});

test('of many that start at once on a dead socket exactly one wins', async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'control.sock');
  await leaveDeadSocket(directory, socketPath);
  const starts = await Promise.allSettled(Array.from({ length: 8 }, () => serving({ socket: socketPath })));
  expect(starts.filter(({ status }) => status === 'fulfilled').length).toBe(1);
  const losers = starts.flatMap((start) => (start.status === 'rejected' ? [start.reason as unknown] : []));
  expect(losers.every((error) => hasCode(error, 'conflict'))).toBe(true);
  expect(await ask({ socketPath }, '/healthz')).toMatchObject({ code: 200 });
});

test('replaces nothing that is no socket', async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'file'), 'precious');
  mkdirSync(join(directory, 'folder'));
  symlinkSync('/nowhere', join(directory, 'link'));
  for (const name of ['file', 'folder', 'link']) {
    const start = startControlServer({ socket: join(directory, name), ...nothing });
    await expect(start).rejects.toThrow(`${join(directory, name)} exists and is not a socket`);
  }
  expect(readdirSync(directory)).toEqual(['file', 'folder', 'link']);
});

test('removes its own socket when it ends, and nobody else’s', async () => {
  const directory = temporaryDirectory();
  const socketPath = join(directory, 'control.sock');
  const own = await startControlServer({ socket: socketPath, ...nothing });
  await own.close();
  expect(readdirSync(directory)).toEqual([]);

  const replaced = await startControlServer({ socket: socketPath, ...nothing });
  rmSync(socketPath);
  await serving({ socket: socketPath });
  await replaced.close();
  expect(await ask({ socketPath }, '/healthz')).toMatchObject({ code: 200 });
});

/** A socket file that nobody listens on, as a killed daemon leaves it. */
async function leaveDeadSocket(directory: string, socketPath: string): Promise<void> {
  const server = createServer();
  const elsewhere = join(directory, 'elsewhere');
  await listening(server, elsewhere);
  renameSync(elsewhere, socketPath);
  await new Promise((resolve) => server.close(resolve));
}
