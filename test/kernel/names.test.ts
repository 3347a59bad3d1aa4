/** The forwarder on a real host, with zones, real resolvers behind it and the clients that people have. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { farHost, gateway } from '../lab/addresses.ts';
import { mustRun } from '../lab/command.ts';
import { allowed, type Names, type NamesOptions, openNames, zoneOf } from '../lab/names.ts';
import { waitFor } from '../lab/wait-for.ts';

let open: Names | undefined;
afterEach(() => {
  open?.close();
  open = undefined;
});

async function opened(options: NamesOptions = {}): Promise<Names> {
  open = await openNames(options);
  return open;
}

const records = [
  `api.example.com. 3600 A ${farHost.ipv4}`,
  `api.example.com. 3600 AAAA ${farHost.ipv6}`,
  'only4.example.com. 60 A 198.51.100.4',
  'evil.example.net. 60 A 198.51.100.66',
  'git.corp.internal. 60 A 10.9.9.9',
];

describe('behind unbound', () => {
  it('a zone is told what is allowed, by either family and transport, and nothing else', async () => {
    const names = await opened();
    await names.startUnbound(records);
    const questions = [
      'api.example.com',
      'api.example.com/AAAA',
      'api.example.com/A/tcp',
      'git.corp.internal',
      'evil.example.net',
    ];
    for (const server of [gateway.ipv4, gateway.ipv6]) {
      const told = await names.ask(questions, names.zone, server);
      expect(told.map((each) => [each?.rcode, ...(each?.answers ?? [])])).toEqual([
        ['NOERROR', `api.example.com A ${farHost.ipv4}`],
        ['NOERROR', `api.example.com AAAA ${farHost.ipv6}`],
        ['NOERROR', `api.example.com A ${farHost.ipv4}`],
        ['NOERROR', 'git.corp.internal A 10.9.9.9'],
        ['NXDOMAIN'],
      ]);
      expect(told[0]?.ttls[0]).toBeLessThanOrEqual(300);
    }
    // One lease each, though asked by two ways.
    expect(names.daemon.leased('api.example.com')).toEqual([farHost.ipv4, farHost.ipv6]);
    expect(names.daemon.leased('evil.example.net')).toEqual([]);
    await waitFor(() => names.daemon.heard.some(({ kind }) => kind === 'totals'), {
      what: 'totals',
      deadlineMs: 15_000,
    });
  });

  it('real clients get along with what is allowed, and with what is not', { timeout: 120_000 }, async () => {
    const names = await opened();
    await names.startUnbound(records);
    const musl = join(names.scene.world.files.directory, 'resolve-musl');
    await mustRun('musl-gcc', ['-static', '-o', musl, join(import.meta.dirname, '../lab/resolve.c')]);
    const cAres = `const { Resolver } = require('node:dns').promises;
      const of = (name) => new Resolver().resolve4(name).then(String, (error) => error.code);
      (async () => { for (const name of process.argv.slice(1)) console.log(await of(name)); })();`;
    const both = [farHost.ipv4, farHost.ipv6].sort();
    const clients: [string, string[], (stdout: string) => string[]][] = [
      ['getent', ['ahosts'], (stdout) => [...stdout.matchAll(/^(\S+) +STREAM/gm)].map(([, address = '']) => address)],
      [musl, [], (stdout) => stdout.trim().split('\n')],
    ];
    for (const [command, args, read] of clients) {
      const begin = performance.now();
      const good = await names.inZone(command, [...args, 'api.example.com']);
      expect(read(good.stdout).sort()).toEqual(both);
      expect(read((await names.inZone(command, [...args, 'only4.example.com'])).stdout)).toEqual(['198.51.100.4']);
      // The search list leads to it: the name as it stands does not exist.
      expect(read((await names.inZone(command, [...args, 'git'])).stdout)).toEqual(['10.9.9.9']);
      expect((await names.inZone(command, [...args, 'evil.example.net'])).exitCode).not.toBe(0);
      // Whoever did not take the answer for one would wait for five seconds.
      expect(performance.now() - begin).toBeLessThan(4500);
    }
    const told = await names.inZone(process.execPath, ['-e', cAres, 'api.example.com', 'evil.example.net']);
    expect(told.stdout.trim().split('\n')).toEqual([farHost.ipv4, 'ENOTFOUND']);
    const server = `require('node:http').createServer((_, answer) => answer.end('hello\\n')).listen(80, '::', () => console.log('ready'))`;
    const http = names.scene.world.internet.spawn(process.execPath, ['-e', server]);
    await http.waitForLine((line) => line === 'ready');
    expect((await names.inZone('curl', ['-sS', '-m', '10', 'http://api.example.com/'])).stdout).toBe('hello\n');
    expect((await names.inZone('curl', ['-sS', '-m', '10', 'http://evil.example.net/'])).exitCode).toBe(6);
  });

  it('a resolver that is dead costs one attempt, and where all are, what was told is told again', {
    timeout: 120_000,
  }, async () => {
    const names = await opened({ resolvers: ['198.51.100.99', farHost.ipv4] });
    const unbound = await names.startUnbound(['only4.example.com. 1 A 198.51.100.4']);
    expect((await names.ask(['only4.example.com']))[0]?.answers).toEqual(['only4.example.com A 198.51.100.4']);
    await unbound.stop('SIGKILL');
    await waitFor(async () => (await names.ask(['only4.example.com']))[0]?.error === 3, {
      what: 'a stale answer',
      deadlineMs: 30_000,
    });
    expect((await names.ask(['api.example.com']))[0]).toMatchObject({ rcode: 'SERVFAIL', error: 22 });
    await names.logged(({ event }) => event === 'dns-resolvers');
    await names.startUnbound(records);
    expect((await names.ask(['api.example.com']))[0]).toMatchObject({ rcode: 'NOERROR' });
    await names.logged(({ msg }) => msg === 'resolvers answer again');
  });
});

it('behind dnsmasq a chain of CNAMEs is told as it is, and its addresses are opened for the name that was asked', async () => {
  const names = await opened();
  await names.startDnsmasq([
    'cname=api.example.com,x.cdn.example',
    'cname=x.cdn.example,y.cdn.example',
    `host-record=y.cdn.example,${farHost.ipv4},${farHost.ipv6}`,
  ]);
  const [told] = await names.ask(['api.example.com']);
  expect(told?.answers).toEqual([
    'api.example.com CNAME x.cdn.example',
    'x.cdn.example CNAME y.cdn.example',
    `y.cdn.example A ${farHost.ipv4}`,
  ]);
  expect(names.daemon.leased('api.example.com')).toEqual([farHost.ipv4]);
  expect((await names.ask(['y.cdn.example']))[0]).toMatchObject({ rcode: 'NXDOMAIN' });
});

describe('whoever is no policed zone', () => {
  it('is refused, and is one as soon as the daemon says so', async () => {
    const names = await opened();
    await names.startUnbound(records);
    const [, other] = names.scene.zones;
    expect((await names.ask(['api.example.com', 'api.example.com/A/tcp'], other))[0]).toMatchObject({
      rcode: 'REFUSED',
    });
    names.daemon.tell({
      kind: 'zones',
      changed: [zoneOf(other, { allow: allowed, mode: 'enforce' })],
      gone: [names.zone.link],
    });
    await waitFor(async () => (await names.ask(['api.example.com'], other))[0]?.rcode === 'NOERROR', {
      what: 'an answer',
    });
    expect((await names.ask(['api.example.com']))[0]).toMatchObject({ rcode: 'REFUSED' });
  });
});

describe('nothing is told that is not open', () => {
  it('where the daemon refuses, or says nothing', async () => {
    const names = await opened();
    await names.startUnbound(records);
    names.daemon.answer = ({ id }) => ({ kind: 'refused', id, reason: 'the set is full' });
    expect((await names.ask(['api.example.com']))[0]).toMatchObject({ rcode: 'SERVFAIL', answers: [] });
    await names.logged(({ event, reason }) => event === 'dns-not-opened' && reason === 'the set is full');
    names.daemon.answer = () => undefined;
    expect((await names.ask(['api.example.com']))[0]).toMatchObject({ rcode: 'SERVFAIL', answers: [] });
  });

  it('where the daemon is not there, but for what it has opened', { timeout: 120_000 }, async () => {
    const names = await opened();
    await names.startUnbound(records);
    await names.ask(['api.example.com']);
    names.daemon.stop();
    await names.logged(({ event, reason }) => event === 'dns-daemon' && reason !== undefined);
    const [known, other] = await names.ask(['api.example.com', 'only4.example.com']);
    expect(known?.answers).toEqual([`api.example.com A ${farHost.ipv4}`]);
    expect(other).toMatchObject({ rcode: 'SERVFAIL', answers: [] });
    await names.daemon.start();
    await names.daemon.connected();
    await waitFor(async () => (await names.ask(['only4.example.com']))[0]?.answers.length === 1, { what: 'an answer' });
  });

  it('a daemon that talks nonsense is left, and asked again', async () => {
    const names = await opened();
    await names.startUnbound(records);
    names.daemon.tell({ kind: 'nonsense' } as never);
    await names.logged(({ event, reason }) => event === 'dns-daemon' && reason !== undefined);
    await names.daemon.connected();
    await waitFor(async () => (await names.ask(['api.example.com']))[0]?.answers.length === 1, { what: 'an answer' });
  });
});

it('in audit mode every name is told and opened, and what no rule allows is reported', async () => {
  const names = await opened({ mode: 'audit' });
  await names.startUnbound(records);
  expect((await names.ask(['evil.example.net']))[0]?.answers).toEqual(['evil.example.net A 198.51.100.66']);
  expect(names.daemon.leased('evil.example.net')).toEqual(['198.51.100.66']);
  expect(names.daemon.heard).toContainEqual({
    kind: 'not-allowed',
    link: names.zone.link,
    name: 'evil.example.net',
    times: 1,
  });
});

describe('the program', () => {
  it('needs no privilege', async () => {
    const through = [
      'setpriv',
      '--reuid',
      '65534',
      '--regid',
      '65534',
      '--clear-groups',
      '--bounding-set',
      '-all',
      '--no-new-privs',
    ];
    const names = await opened({ port: 10_053 });
    await names.forwarder.stop();
    await chmod(names.scene.world.files.directory, 0o711);
    await chmod(join(names.scene.world.files.directory, 'dns.sock'), 0o666);
    names.startForwarder(through);
    await names.listening();
    const { stdout } = await names.scene.world.host.exec('grep', [
      '-E',
      '^(Uid|CapEff):',
      `/proc/${names.forwarder.pid}/status`,
    ]);
    expect(stdout).toContain('65534');
    expect(stdout).toMatch(/CapEff:\t0+$/m);
    expect(await names.forwarder.stop()).toBe(0);
  });

  it('says which file it may not read, and ends', async () => {
    const names = await opened();
    const { settings } = names.scene.world.files;
    await chmod(names.scene.world.files.directory, 0o711);
    await chmod(settings, 0o600);
    const { host } = names.scene.world;
    const { exitCode, stderr } = await host.exec('setpriv', [
      ...['--reuid', '65534', '--regid', '65534', '--clear-groups'],
      ...[(await import('../lab/daemon.ts')).programPath, 'dns', '--settings', settings],
    ]);
    expect(exitCode).toBe(77);
    expect(stderr).toContain(`${settings}: cannot be read: not permitted; the forwarder reads them as its own user`);
  });
});
