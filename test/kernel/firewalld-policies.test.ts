/**
 * Real firewalld with its default zone and with policies of an operator's: what status, doctor and explain say of its table is what
 * packets do, and the commands that are printed let zones pass, and nobody else.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { farHost, hostUplink } from '../lab/addresses.ts';
import { startEchoServer, tcpConnect } from '../lab/echo.ts';
import { isAnswered, type Lab, toOutside, toOutside6, toSibling, toSibling6, udpOutside } from '../lab/explain-case.ts';
import { type Ask, Explainer } from '../lab/explainer.ts';
import { isCutOff, openScene, reaches, type Scene, untilNothingToDo } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { type Firewalld, installFirewalld } from '../managers/firewalld.ts';
import { releaseInUse } from '../releases/releases.ts';

const ways: Readonly<Record<string, Ask>> = { toOutside, toOutside6, toSibling, toSibling6, udpOutside };
const all = Object.keys(ways);
/** A network behind dom0 that is nobody's zone, and a port of dom0 that firewalld closes. */
const lan = '172.16.5.2';
let scene: Scene;
let lab: Lab;
let explainer: Explainer;
let firewalld: Firewalld;
let port: number;

beforeAll(async () => {
  scene = await openScene({ routeBack: true });
  const { world, zones } = scene;
  lab = { world, zones, strangers: new Map() };
  explainer = new Explainer(world);
  await startEchoServer(world.internet);
  ({ port } = await startEchoServer(world.host));
  const neighbour = await world.addZone({ domid: 90, configureGuest: false });
  await world.host.ip(
    `link add lan0 type veth peer name lan netns ${neighbour.name}`,
    'link set lan0 up',
    'address add 172.16.5.1/24 dev lan0',
  );
  await neighbour.ip(
    'link set lan up',
    `address add ${lan}/24 dev lan`,
    'route replace default via 172.16.5.1 dev lan',
  );
  await world.internet.ip(`route add 172.16.5.0/24 via ${hostUplink.ipv4}`);
  expect(await reaches(world.internet, lan)).toBe(true);
  expect((await tcpConnect(world.internet, hostUplink.ipv4, port)).ok).toBe(true);
  firewalld = await installFirewalld(world);
  await firewalld.start();
}, 120_000);
afterAll(() => {
  explainer.stop();
  scene.world.destroy();
});

describe('firewalld', () => {
  it('with its defaults is judged as packets are, and opens for zones only', { timeout: 240_000 }, async () => {
    await expectTruth([], 'bad');
    await mend();
    await expectTruth(all);
    await expectClosed();
  });

  it.each<[string, string, readonly string[], readonly string[], ('bad' | 'warning')?]>([
    [
      'drops all but what a rich rule accepts',
      'strict',
      [
        '--set-target=DROP',
        '--set-priority=-20',
        `--add-rich-rule=rule family=ipv4 destination address=${farHost.ipv4} port port=7000 protocol=udp accept`,
      ],
      ['udpOutside'],
      'bad',
    ],
    [
      'rejects a family by a rich rule ahead of others',
      'rich',
      ['--set-priority=-30', '--add-rich-rule=rule priority=-5 family=ipv6 reject'],
      ['toOutside', 'toSibling', 'udpOutside'],
      'bad',
    ],
    [
      'rejects one protocol, which is its maker’s decision',
      'narrow',
      ['--set-priority=-10', '--add-rich-rule=rule family=ipv4 protocol value=icmp reject'],
      ['toOutside6', 'toSibling6', 'udpOutside'],
    ],
  ])('a policy that %s', { timeout: 240_000 }, async (_what, name, changes, open, level) => {
    const permanent = ['--permanent', `--policy=${name}`];
    await must('--permanent', `--new-policy=${name}`);
    for (const change of ['--add-ingress-zone=ANY', '--add-egress-zone=ANY', ...changes])
      await must(...permanent, change);
    await must('--reload');
    try {
      await expectTruth(open, level);
      if (level === undefined) return;
      await mend();
      await expectTruth(all);
      await expectClosed();
    } finally {
      await must('--permanent', `--delete-policy=${name}`);
      await must('--reload');
    }
  });

  it('keeps its table in a flush of the ruleset where it owns it, and zones pass', { timeout: 60_000 }, async () => {
    const { world } = scene;
    const list = () => world.host.exec('nft', ['list', 'table', 'inet', 'firewalld']);
    const owns = (await list()).stdout.includes('flags owner');
    if (releaseInUse()?.suite === 'trixie') expect(owns).toBe(true);
    await world.host.mustExec('nft', ['flush', 'ruleset']);
    expect((await list()).exitCode === 0).toBe(owns);
    await untilNothingToDo(world);
    await expectTruth(all);
    if (owns) await expectClosed();
  });
});

/** What `open` names passes and the rest does not; explain says so for each, and status and doctor with one voice of `level`. */
async function expectTruth(open: readonly string[], level?: 'bad' | 'warning'): Promise<void> {
  const { world, daemon } = scene;
  await waitFor(async () => String(await openWays()) === String(all.filter((way) => open.includes(way))), {
    what: `only ${open} to pass`,
    deadlineMs: 40_000,
  });
  const faults = await waitFor(
    async () => {
      const about = (await daemon.status()).faults.filter(({ what }) => what.startsWith('firewalld '));
      return about[0]?.level === level && about;
    },
    { what: `status to say ${level ?? 'nothing'} of firewalld`, deadlineMs: 40_000 },
  );
  for (const [way, ask] of Object.entries(ways)) {
    const [report] = await explainer.ask(ask);
    const named = JSON.stringify([report?.because, report?.decisive]);
    const verdict = open.includes(way) ? 'passes' : 'blocked';
    expect({ way, verdict: report?.verdict, named }).toEqual({ way, verdict, named: expect.anything() });
    if (verdict === 'blocked') expect(named).toContain('inet firewalld');
  }
  // Of reloads that follow each other by seconds it tells as well, and firewalld 1.3 flushes our chains in each.
  const { stdout, exitCode } = await world.cli(['doctor']);
  expect(/^(\w+) +firewalld \(chain/m.exec(stdout)?.[1], stdout).toBe(level?.toUpperCase());
  if (level === 'bad') expect(exitCode).toBe(1);
  for (const { fix } of faults) expect(stdout).toContain(` ${fix}\n`);
}

async function openWays(): Promise<string[]> {
  const open: string[] = [];
  for (const [way, ask] of Object.entries(ways)) if (await isAnswered(lab, ask)) open.push(way);
  return open;
}

/** What one command lets past may end in the next policy: a few rounds. */
async function mend(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const faults = (await scene.daemon.status()).faults.filter(({ what }) => what.startsWith('firewalld '));
    for (const { fix } of faults) await firewalld.type(String(fix));
    if ((await openWays()).length === all.length) return;
    await waitFor(
      async () => (await scene.daemon.status()).faults.every(({ fix }) => faults.every((each) => each.fix !== fix)),
      {
        what: 'the fault to go',
        deadlineMs: 40_000,
      },
    );
  }
}

async function expectClosed(): Promise<void> {
  const { world } = scene;
  expect(await isCutOff(world.internet, lan)).toBe(true);
  expect((await tcpConnect(world.internet, hostUplink.ipv4, port)).ok).toBe(false);
}

async function must(...args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await firewalld.command(args);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
}
