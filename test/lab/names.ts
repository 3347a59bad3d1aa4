/** A host with zones whose names the forwarder answers, and resolvers in the internet behind it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address } from '../../src/model/address.ts';
import { parseAddress } from '../../src/model/address.ts';
import type { ZoneMessage } from '../../src/policy/messages.ts';
import { farHost, gateway, zoneSubnet } from './addresses.ts';
import type { LongRunning } from './command.ts';
import { programPath } from './daemon.ts';
import type { read } from './dns-messages.ts';
import { type Policy, PolicyDaemon } from './policy-daemon.ts';
import { openScene, type Scene } from './served.ts';
import { startUnbound, untilBound } from './unbound.ts';
import { waitFor } from './wait-for.ts';
import type { Zone } from './zone.ts';

export type Told = ReturnType<typeof read>;

export interface NamesOptions {
  readonly allow?: ZoneMessage['allow'];
  readonly mode?: ZoneMessage['mode'];
  /** Default: the far host. */
  readonly resolvers?: readonly string[];
  /** Default 53, since no DNAT leads anywhere else. */
  readonly port?: number;
  /** In front of the forwarder's command, e.g. as another user. */
  readonly through?: readonly string[];
}

/** `vif7.0` is policed, and `vif8.0` is not. The real daemon serves both; the forwarder's daemon is a stand-in. */
export async function openNames(options: NamesOptions = {}): Promise<Names> {
  const scene = await openScene();
  try {
    const names = new Names(scene, options);
    await names.start(options.through ?? []);
    return names;
  } catch (error) {
    scene.world.destroy();
    throw error;
  }
}

export class Names {
  readonly scene: Scene;
  readonly zone: Zone;
  readonly daemon: PolicyDaemon;
  /** The forwarder's log, parsed. */
  readonly log: Readonly<Record<string, unknown>>[] = [];
  #forwarder: LongRunning | undefined;

  constructor(
    scene: Scene,
    { allow = allowed, mode = 'enforce', resolvers = [farHost.ipv4], port = 53 }: NamesOptions,
  ) {
    this.scene = scene;
    this.zone = scene.zones[0];
    const zone = zoneOf(this.zone, { allow, mode });
    const policy: Policy = {
      kind: 'policy',
      zones: [zone],
      listen: { addresses: [gateway.ipv4, gateway.ipv6].map(addressOf), port },
      resolvers: resolvers.map(addressOf),
      own: [zoneSubnet.ipv4.text, zoneSubnet.ipv6.text],
    };
    this.daemon = new PolicyDaemon(join(scene.world.files.directory, 'dns.sock'), policy);
  }

  get forwarder(): LongRunning {
    if (this.#forwarder === undefined) throw new Error('no forwarder');
    return this.#forwarder;
  }

  async start(through: readonly string[] = []): Promise<void> {
    await this.daemon.start();
    this.startForwarder(through);
    await this.listening();
  }

  startForwarder(through: readonly string[] = []): void {
    const words = [
      ...through,
      programPath,
      'dns',
      '--log-format',
      'json',
      '--settings',
      this.scene.world.files.settings,
    ];
    const [command = '', ...args] = words;
    this.log.length = 0;
    this.#forwarder = this.scene.world.host.spawn(command, args, (line) => {
      if (line.startsWith('{')) this.log.push(JSON.parse(line) as Record<string, unknown>);
    });
  }

  async listening(): Promise<void> {
    await this.logged(({ msg }) => String(msg).startsWith('answering at'));
    await this.daemon.connected();
  }

  logged(predicate: (line: Readonly<Record<string, unknown>>) => boolean) {
    return waitFor(() => this.log.find(predicate), { what: 'a line of the forwarder’s log', deadlineMs: 20_000 });
  }

  /** What the zone is told, by `NAME/TYPE[/tcp]`; null: nothing. */
  async ask(questions: readonly string[], from = this.zone, server = gateway.ipv4): Promise<(Told | null)[]> {
    const program = join(import.meta.dirname, 'dns-client.ts');
    const stdout = await from.mustExec(process.execPath, [program, server, ...questions]);
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Told | null);
  }

  /** Runs a program in the zone whose resolv.conf names the gateway, and nothing else. */
  async inZone(command: string, args: readonly string[]) {
    const file = join(this.scene.world.files.directory, 'resolv.conf');
    await writeFile(file, `nameserver ${gateway.ipv4}\nsearch corp.internal\n`, { mode: 0o644 });
    const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
    return this.zone.exec('unshare', ['--mount', 'sh', '-c', script, file, command, ...args]);
  }

  /** The resolver that lies; returns what it is asked, as it comes. */
  async startLiar(address = farHost.ipv4): Promise<Query[]> {
    const asked: Query[] = [];
    const program = join(import.meta.dirname, 'lying-resolver.ts');
    const liar = this.scene.world.internet.spawn(process.execPath, [program, address], (line) => {
      if (line.startsWith('{')) asked.push(JSON.parse(line) as Query);
    });
    await liar.waitForLine((line) => line === 'ready', { deadlineMs: 20_000 });
    return asked;
  }

  /** Debian's unbound at the far host's addresses; `records` as in `local-data`. */
  startUnbound(records: readonly string[]): Promise<LongRunning> {
    const { world } = this.scene;
    const addresses = [farHost.ipv4, farHost.ipv6];
    return startUnbound(world.internet, { directory: world.files.directory, addresses, records });
  }

  /** Debian's dnsmasq at the far host's address; `options` without their dashes. */
  async startDnsmasq(options: readonly string[]): Promise<LongRunning> {
    const fixed = [
      'keep-in-foreground',
      'no-resolv',
      'no-hosts',
      'bind-interfaces',
      'conf-file=/dev/null',
      'user=root',
    ];
    const words = [...fixed, `listen-address=${farHost.ipv4}`, 'pid-file', 'log-facility=-', ...options];
    const dnsmasq = this.scene.world.internet.spawn(
      'dnsmasq',
      words.map((word) => `--${word}`),
    );
    await untilBound(this.scene.world.internet, [farHost.ipv4]);
    return dnsmasq;
  }

  close(): void {
    this.daemon.stop();
    this.scene.world.destroy();
  }
}

export interface Query {
  readonly name: string;
  readonly id: number;
  readonly port: number;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
}

export const allowed: ZoneMessage['allow'] = [
  { pattern: 'api.example.com', isPrivate: false },
  { pattern: '*.example.com', isPrivate: false },
  { pattern: 'git.corp.internal', isPrivate: true },
];

export function zoneOf(zone: Zone, rules: Pick<ZoneMessage, 'allow' | 'mode'>): ZoneMessage {
  const addresses = [zone.ipv4, zone.ipv6].flatMap((text) => (text === undefined ? [] : addressOf(text)));
  return { link: zone.link, name: 'web', addresses, deny: [], ...rules };
}

function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}
