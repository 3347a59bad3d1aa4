/** A capture of one zone's link: what came, what of it this host dropped, and who looked at it. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { farHost } from '../lab/addresses.ts';
import type { LongRunning } from '../lab/command.ts';
import { programPath } from '../lab/daemon.ts';
import { type RawSender, rawSender, udp } from '../lab/raw-packet.ts';
import { isCutOff, openScene, reaches, type Scene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const directory = mkdtempSync(join(tmpdir(), 'protect-network-capture-'));
let scene: Scene;
let send: RawSender;
let running: LongRunning[] = [];
beforeAll(async () => {
  scene = await openScene();
  send = await rawSender(scene.world);
});
afterEach(async () => {
  for (const each of running) if (each.running) await each.stop();
  running = [];
});
afterAll(() => {
  scene.world.destroy();
  rmSync(directory, { recursive: true, force: true });
});

const forged = '198.51.100.66';

describe('capture', () => {
  it('tells what came from what was dropped, and by whom, and leaves the host as it was', async () => {
    const [zone, other] = scene.zones;
    const before = await scene.world.host.snapshot();
    const file = join(directory, 'both.pcapng');
    const capture = await begin(zone.link, '--write', file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await reaches(zone, farHost.ipv4);
    await forge();
    await reaches(other, farHost.ipv4);
    await untilWritten(file, ({ comment }) => comment !== undefined);
    expect(await end(capture)).toBe(0);
    expect(capture.stdout.join('\n')).toMatch(/^\/\S+both\.pcapng: \d+ packets at the link, \d+ dropped$/);
    const { interfaces, packets } = read(file);
    expect(interfaces).toEqual([zone.link, 'dropped']);
    const [arrived, dropped] = [0, 1].map((place) => packets.filter((packet) => packet.place === place));
    expect(arrived?.filter(({ source }) => source === forged).length).toBeGreaterThan(0);
    expect(arrived?.some(({ source }) => source === zone.ipv4)).toBe(true);
    expect(arrived?.some(({ source }) => source === other.ipv4)).toBe(false);
    // A guest's own IPv6 may be dropped, too.
    const ipv4 = dropped?.filter(({ source }) => source !== '') ?? [];
    expect(ipv4.length).toBeGreaterThan(0);
    for (const { source, comment } of ipv4) expect([source, comment]).toEqual([forged, 'dropped by inet edera forged']);
    // libpcap, and so Wireshark, reads it.
    const { stdout, exitCode } = await execa('tcpdump', ['-n', '-r', file]);
    expect([exitCode, stdout.split('\n').length]).toEqual([0, packets.length]);
    expect(await scene.world.host.snapshot()).toBe(before);
  });

  it('names what a policy denies', async () => {
    const { world, daemon, zones } = scene;
    const [zone] = zones;
    await world.files.writePolicy(
      'test.toml',
      `[[policy]]\nlinks = ["${zone.link}"]\negress.allow = ["192.0.2.0/24:443"]\n`,
    );
    const isPoliced = async (state: string) => (await daemon.status()).zones.some(({ policy }) => policy === state);
    await waitFor(() => isPoliced('enforced'), { what: 'the policy to be in force', deadlineMs: 20_000 });
    const file = join(directory, 'denied.pcapng');
    const capture = await begin(zone.link, '--write', file);
    expect(await isCutOff(zone, farHost.ipv4)).toBe(true);
    await untilWritten(file, ({ source, comment }) => source === zone.ipv4 && comment !== undefined);
    await end(capture);
    const denied = read(file).packets.filter(({ place, source }) => place === 1 && source === zone.ipv4);
    expect(new Set(denied.map(({ comment }) => comment))).toEqual(new Set(['dropped by inet edera egress-denied']));
    rmSync(join(world.files.policies, 'test.toml'));
    await waitFor(async () => !(await isPoliced('enforced')), { what: 'the policy to go', deadlineMs: 20_000 });
  });

  it('filters both sides', async () => {
    const [zone] = scene.zones;
    const file = join(directory, 'filtered.pcapng');
    const capture = await begin(zone.link, 'udp port 4712', '--write', file);
    await reaches(zone, farHost.ipv4);
    await forge(4711);
    await forge(4712);
    await untilWritten(file, ({ comment }) => comment !== undefined);
    await end(capture);
    const { packets } = read(file);
    expect(new Set(packets.map(({ place, port }) => `${place} ${port}`))).toEqual(new Set(['0 4712', '1 4712']));
  });

  it('nothing with privileges looks into packets', async () => {
    const [zone] = scene.zones;
    const capture = await begin(zone.link, 'icmp', '--write', join(directory, 'users.pcapng'));
    const users = readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid) && isTcpdump(pid))
      .map((pid) => /^Uid:\t(\d+)\t(\d+)\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.slice(1));
    expect(users.length).toBe(2);
    for (const user of users.flat()) expect(user).not.toBe('0');
    await end(capture);
  });

  it.each([
    ['--seconds', '1', 1],
    ['--size', '1', 1_000_000],
  ])('ends by itself with %s %s', async (option, value, most) => {
    const [zone] = scene.zones;
    const file = join(directory, `bounded${option}.pcapng`);
    const capture = await begin(zone.link, option, value, '--write', file);
    const flood = scene.world.host.spawn('ping', ['-f', '-s', '60000', String(zone.ipv4)]);
    running.push(flood);
    await waitFor(() => !capture.running, { what: 'its end', deadlineMs: 20_000 });
    expect(await capture.ended).toBe(0);
    if (option === '--size') expect(statSync(file).size).toBeLessThanOrEqual(most);
    expect(read(file).packets.length).toBeGreaterThan(0);
  });

  it('overwrites nothing, and takes no option for a filter', async () => {
    const file = join(directory, 'there');
    writeFileSync(file, 'mine');
    const refused = await scene.world.cli(['capture', 'vif7.0', '--write', file]);
    expect(refused).toMatchObject({ exitCode: 1, stderr: `protect-network: ${file} exists; it is not overwritten\n` });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    const evil = join(directory, 'evil');
    const { exitCode, stderr } = await scene.world.host.exec(programPath, [
      'capture',
      'vif7.0',
      '--write',
      evil,
      ...scene.world.files.options,
      '--',
      `-ztouch ${evil}`,
    ]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('syntax error')]);
    expect(existsSync(evil)).toBe(false);
    const unknown = await scene.world.cli(['capture', 'nobody']);
    expect(unknown).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('there is no zone "nobody"') });
  });

  it('ends where nobody reads any more, and takes its table along', async () => {
    const [zone] = scene.zones;
    const before = await scene.world.host.snapshot();
    const command = [programPath, 'capture', zone.link, '--write', '-', ...scene.world.files.options].join(' ');
    const pipe = scene.world.host.spawn('sh', ['-c', `${command} | head -c 200 > ${join(directory, 'piped')}`]);
    running.push(pipe);
    await waitFor(() => pipe.stderr.some((line) => line.includes('capturing')), { what: 'the capture' });
    await waitFor(async () => (await reaches(zone, farHost.ipv4)) && !pipe.running, {
      what: 'its end',
      deadlineMs: 20_000,
    });
    await expect.poll(() => scene.world.host.snapshot(), { timeout: 10_000 }).toBe(before);
  });
});

async function begin(...args: readonly string[]): Promise<LongRunning> {
  const capture = scene.world.host.spawn(programPath, ['capture', ...args, ...scene.world.files.options]);
  running.push(capture);
  await waitFor(() => capture.stderr.some((line) => line.includes(': capturing ')) || !capture.running, {
    what: 'the capture to begin',
    deadlineMs: 20_000,
  });
  expect(capture.stderr.join('\n')).toContain('Ctrl-C ends it');
  return capture;
}

function end(capture: LongRunning): Promise<number | NodeJS.Signals> {
  return capture.stop('SIGINT');
}

async function forge(port = 4711): Promise<void> {
  const payload = udp(1, port, Buffer.from('forged!\n'));
  await send(scene.zones[0], {
    source: forged,
    destination: farHost.ipv4,
    protocol: 'udp',
    id: 1,
    offset: 0,
    moreFragments: false,
    payload,
  });
}

function isTcpdump(pid: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return command[0]?.endsWith('/tcpdump') === true && command.includes('icmp');
  } catch {
    return false;
  }
}

interface ReadPacket {
  readonly place: number;
  readonly source: string;
  readonly port: number;
  readonly comment: string | undefined;
}

async function untilWritten(file: string, predicate: (packet: ReadPacket) => boolean): Promise<void> {
  await waitFor(() => read(file).packets.some(predicate), { what: `such a packet in ${file}`, deadlineMs: 10_000 });
}

/** By the specification of pcapng; whole blocks only. */
function read(file: string): { interfaces: string[]; packets: ReadPacket[] } {
  const bytes = readFileSync(file);
  const interfaces: string[] = [];
  const packets: ReadPacket[] = [];
  for (let at = 0; at + 12 <= bytes.length; ) {
    const [type, length] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
    if (at + length > bytes.length) break;
    expect(bytes.readUInt32LE(at + length - 4)).toBe(length);
    const body = bytes.subarray(at + 8, at + length - 4);
    if (type === 1) interfaces.push(String(optionsOf(body.subarray(8)).get(2)));
    if (type === 6) packets.push(packetOf(body));
    at += length;
  }
  return { interfaces, packets };
}

function packetOf(body: Buffer): ReadPacket {
  const kept = body.readUInt32LE(12);
  const data = body.subarray(20, 20 + kept);
  const options = optionsOf(body.subarray(20 + kept + (-kept & 3)));
  const comment = options.get(1)?.toString();
  const source = data.length >= 34 && data.readUInt16BE(12) === 0x0800 ? [...data.subarray(26, 30)].join('.') : '';
  return { place: body.readUInt32LE(0), source, port: data.length >= 38 ? data.readUInt16BE(36) : 0, comment };
}

function optionsOf(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length && bytes.readUInt16LE(at) !== 0; ) {
    const length = bytes.readUInt16LE(at + 2);
    found.set(bytes.readUInt16LE(at), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length + (-length & 3);
  }
  return found;
}
