/** Two zones, dom0 and the internet, wired as documented or by us; attacks are tried in it one after the other. */
import type { Family } from '../../src/model/address.ts';
import { farHost, gateway, hostUplink, internetGateway, netbackMac } from '../lab/addresses.ts';
import { addBridge, bridgeName, takeIntoBridge } from '../lab/bridge.ts';
import type { Daemon } from '../lab/daemon.ts';
import { ethernet, linkLocalOf, udp } from '../lab/frames/packets.ts';
import { type FrameTools, frameTools, tag, type Watch } from '../lab/frames/tools.ts';
import type { Namespace } from '../lab/namespace.ts';
import { openScene, reaches, untilState } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { createWorld, type World } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';
import {
  type Attack,
  type Cast,
  free,
  honestPort,
  type Party,
  packet,
  type Sender,
  type Step,
  typeOf,
  watchedPort,
} from './attack.ts';
import { toSibling } from './bridged.ts';
import { wireAsDocumented } from './documented.ts';
import { otherNeighbour } from './errors.ts';
import { policeZones } from './policies.ts';
import { changes, stateOf, trackedAttacks } from './state.ts';
import { vxlanMac } from './wrappings.ts';

/** How an attack went: frames sent, and how many of them were seen at somebody else's. */
export interface Passage {
  readonly attack: Attack;
  readonly sent: number;
  readonly through: number;
}

export interface Outcome {
  readonly passages: readonly Passage[];
  /** What is different about dom0 since, all attacks together. */
  readonly changes: readonly string[];
  /** Connections that dom0 tracks under what was forged. */
  readonly tracked: readonly string[];
}

/** As the zone-networking document has it, or served by the daemon. Whoever opens it destroys `world`. */
export async function openArena(wiring: 'documented' | 'ours'): Promise<Arena> {
  const { world, zones, daemon } = wiring === 'ours' ? await openScene({}) : await documentedScene();
  try {
    const [zone, sibling] = zones;
    await world.internet.ip(
      `address add ${otherNeighbour.ipv4}/24 dev eth0`,
      `address add ${otherNeighbour.ipv6}/64 dev eth0 nodad`,
    );
    const [tools, cast] = await Promise.all([frameTools(world), castOf(world, zones)]);
    const places = { zone, sibling, internet: world.internet };
    const watches = new Map<Place, Watch>();
    for (const [place, namespace] of Object.entries(places)) {
      watches.set(place as Place, await tools.watch(namespace, 'eth0'));
    }
    watches.set('dom0', await tools.watch(world.host));
    const arena = new Arena({ world, zones, daemon, tools, cast, places, watches });
    await arena.introduce();
    return arena;
  } catch (error) {
    world.destroy();
    throw error;
  }
}

type Place = Sender | 'dom0';

interface Parts {
  readonly world: World;
  readonly zones: readonly [Zone, Zone];
  /** Undefined where the zones are wired as documented. */
  readonly daemon: Daemon | undefined;
  readonly tools: FrameTools;
  readonly cast: Cast;
  readonly places: Readonly<Record<Sender, Namespace>>;
  readonly watches: ReadonlyMap<Place, Watch>;
}

/** An attack's frames, made; its tags are `firstTag` to `lastTag`. */
interface Launched {
  readonly attack: Attack;
  readonly steps: readonly Step[];
  readonly firstTag: number;
  readonly lastTag: number;
  readonly sent: number;
}

export class Arena {
  readonly parts: Parts;
  #tags = 0;
  /** Of all attacks: identifications of fragments must not meet again. */
  #rounds = 0;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  destroy(): void {
    this.parts.world.destroy();
  }

  /** Everybody knows everybody: what an attack finds missing is not missing for want of a neighbour. */
  async introduce(): Promise<void> {
    const { world, zones, cast } = this.parts;
    for (const family of ['ipv4', 'ipv6'] as const) {
      for (const to of [cast.nextHop, cast.zone, cast.sibling]) await this.#until(world.host, to[family]);
      for (const zone of zones) await this.#until(zone, farHost[family]);
    }
    await this.#until(world.host, otherNeighbour.ipv4);
    await this.#until(world.host, `${otherNeighbour.ipv6}%uplink0`);
  }

  /** One attack or many at once, `rounds` times each. Resolves when all that was sent has arrived wherever it gets to. */
  async attempt(attacks: readonly Attack[], rounds = 10): Promise<Outcome> {
    const { world, cast } = this.parts;
    const { host } = world;
    const restore = await this.#prepare(attacks);
    await host.mustExec('conntrack', ['-F']);
    const before = await stateOf(host, cast);
    const launched = attacks.map((attack) => this.#launch(attack, rounds));
    await this.#send(launched.map(({ steps }) => steps));
    // What concerns IPv6 forwarding leaves only IPv4 for the question whether all has arrived.
    if (attacks.some(({ bridged }) => bridged === true)) await this.#arrivedByBridge();
    else await this.#arrived(attacks.some(({ beforeForwarding }) => beforeForwarding === true) ? 'ipv4' : 'ipv6');
    const after = await stateOf(host, cast);
    const tracked = await trackedAttacks(host);
    await restore();
    const isHonest = attacks.every(({ ownSource }) => ownSource === true);
    return {
      passages: launched.map((one) => ({ attack: one.attack, sent: one.sent, through: this.#seen(one) })),
      changes: changes(before, after),
      tracked: isHonest ? [] : tracked,
    };
  }

  #launch(attack: Attack, rounds: number): Launched {
    const firstTag = this.#tags + 1;
    const steps = Array.from({ length: rounds }, () => {
      this.#rounds += 1;
      return attack.steps(this.parts.cast, () => this.#tag(), this.#rounds);
    });
    const tags = this.#tags + 1 - firstTag;
    const frames = steps.flat().reduce((sum, step) => sum + step.frames.length, 0);
    return { attack, steps: steps.flat(), firstTag, lastTag: this.#tags, sent: tags === 0 ? frames : tags };
  }

  /** Each attack's steps in their order: all first ones, then all second ones. */
  async #send(attacks: readonly (readonly Step[])[]): Promise<void> {
    const { tools, places } = this.parts;
    for (const turn of ['attackers', 'genuine'] as const) {
      for (const from of ['zone', 'sibling', 'internet'] as const) {
        const frames = attacks
          .flatMap((steps) =>
            steps.filter((step) => step.from === from && (step.genuine === true) === (turn === 'genuine')),
          )
          .flatMap((step) => step.frames);
        if (frames.length > 0) await tools.send(places[from], frames);
      }
    }
  }

  /** Tags of the attack at anybody's but the attacker's own. */
  #seen({ steps, firstTag, lastTag }: Launched): number {
    const attacker = steps[0]?.from;
    const names = [...this.parts.watches]
      .filter(([place]) => place !== attacker)
      .flatMap(([, watch]) => watch.sightings.map(({ name }) => name));
    return new Set(names.filter((name) => name >= firstTag && name <= lastTag)).size;
  }

  /** Behind all that was sent before, on the same processor's queue: honest packets from everybody to everybody. */
  async #arrived(family: Family): Promise<void> {
    const { tools, cast, places, watches } = this.parts;
    const party = { zone: cast.zone, sibling: cast.sibling, internet: cast.nextHop };
    const address = { zone: cast.zone, sibling: cast.sibling, internet: cast.far, dom0: cast.host };
    for (const from of ['zone', 'sibling', 'internet'] as const) {
      const awaited = (Object.keys(address) as Place[])
        .filter((to) => to !== from)
        .map((to) => ({ to, mark: this.#tag(), name: this.#tags }));
      const { mac } = party[from];
      const frames = awaited.map(({ to, mark }) => {
        const ends = [party[from][family], address[to][family]] as const;
        const content = packet(family, ...ends, udp(honestPort, watchedPort, mark, ends));
        return ethernet(from === 'internet' ? cast.host.mac : cast.linkMac, mac, typeOf(content), content);
      });
      await tools.send(places[from], frames);
      const arrived = () =>
        awaited.every(({ to, name }) => watches.get(to)?.sightings.some((seen) => seen.name === name));
      await waitFor(arrived, { what: `honest packets from ${from}`, deadlineMs: 20_000 });
    }
  }

  /** By the bridge there is one way only, and dom0 is not on it. */
  async #arrivedByBridge(): Promise<void> {
    const { tools, cast, places, watches } = this.parts;
    const mark = this.#tag();
    const name = this.#tags;
    const ends = [cast.zone.ipv6, cast.sibling.ipv6] as const;
    await tools.send(places.zone, [toSibling(cast, packet('ipv6', ...ends, udp(honestPort, watchedPort, mark, ends)))]);
    const arrived = () => watches.get('sibling')?.sightings.some((seen) => seen.name === name) === true;
    await waitFor(arrived, { what: 'an honest packet by the bridge', deadlineMs: 20_000 });
  }

  #tag(): Buffer {
    this.#tags += 1;
    return tag(this.#tags);
  }

  /** What some attacks need; the result undoes it. */
  async #prepare(attacks: readonly Attack[]): Promise<() => Promise<void>> {
    const { world, daemon, cast } = this.parts;
    const { host } = world;
    const withTunnel = attacks.some(({ tunnelDevice }) => tunnelDevice === true);
    const withBridge = attacks.some(({ bridged }) => bridged === true);
    if (withBridge) await this.#takeLinks();
    const changed = attacks.filter(({ changedSource }) => changedSource === true);
    const withoutForwarding = attacks.some(({ beforeForwarding }) => beforeForwarding === true);
    const isPoliced = attacks.some(({ policed }) => policed === true) && daemon !== undefined;
    const unpolice = isPoliced ? await policeZones(world, cast) : undefined;
    if (withTunnel) {
      const local = cast.host[attacks[0]?.family ?? 'ipv4'];
      const type = `type vxlan id 42 dstport 4789 local ${local}`;
      await host.ip(
        `link add vxlan0 address ${vxlanMac} ${type}`,
        'link set vxlan0 addrgenmode none',
        'link set vxlan0 up',
      );
    }
    for (const { family } of changed) await host.nft(changeSource(family));
    if (withoutForwarding) {
      // The daemon would switch it on again in the middle of it.
      if (daemon !== undefined) process.kill(daemon.pid, 'SIGSTOP');
      await host.setSysctls({ 'net/ipv6/conf/all/forwarding': 0 });
    }
    return async () => {
      await unpolice?.();
      if (withTunnel) await host.ip('link del vxlan0');
      if (withBridge) await this.#freeLinks();
      for (const { family } of changed) await host.nft(`delete table ${nftFamilies[family]} lab`);
      if (!withoutForwarding) return;
      await host.setSysctls({ 'net/ipv6/conf/all/forwarding': 1 });
      if (daemon !== undefined) process.kill(daemon.pid, 'SIGCONT');
    };
  }

  async #takeLinks(): Promise<void> {
    const { world, zones, daemon } = this.parts;
    await addBridge(world.host);
    await takeIntoBridge(world.host, ...zones.map(({ link }) => link));
    if (daemon !== undefined) for (const { link } of zones) await untilState(daemon, link, 'taken');
  }

  async #freeLinks(): Promise<void> {
    const { world, zones, daemon } = this.parts;
    await world.host.ip(`link del ${bridgeName}`);
    if (daemon !== undefined) for (const { link } of zones) await untilState(daemon, link);
  }

  async #until(from: Namespace, to: string): Promise<void> {
    await waitFor(() => reaches(from, to), { what: `${from.name} to reach ${to}`, deadlineMs: 60_000 });
  }
}

const nftFamilies = { ipv4: 'ip', ipv6: 'ip6' } as const;

/** Right behind defragmentation (-400), and not what the arena sends to see whether all has arrived. */
function changeSource(family: Family): string {
  const [table, chain] = [`${nftFamilies[family]} lab`, 'type filter hook prerouting priority -400;'];
  const rule = `iifname "vif7.0" udp sport != ${honestPort} ${nftFamilies[family]} saddr set ${free[family]}`;
  return `add table ${table}; add chain ${table} change { ${chain} }; add rule ${table} change ${rule}`;
}

async function documentedScene(): Promise<{ world: World; zones: [Zone, Zone]; daemon: undefined }> {
  const world = await createWorld({});
  try {
    const zones = await Promise.all([world.addZone({ domid: 7 }), world.addZone({ domid: 8 })]);
    await wireAsDocumented(world, zones);
    return { world, zones, daemon: undefined };
  } catch (error) {
    world.destroy();
    throw error;
  }
}

async function castOf(world: World, [zone, sibling]: readonly [Zone, Zone]): Promise<Cast> {
  const party = async (where: Namespace, link: string, ipv4: string, ipv6: string): Promise<Party> => {
    const mac = (await where.mustExec('cat', [`/sys/class/net/${link}/address`])).trim();
    return { mac, ipv4, ipv6, linkLocal: linkLocalOf(mac) };
  };
  return {
    zone: await party(zone, 'eth0', String(zone.ipv4), String(zone.ipv6)),
    sibling: await party(sibling, 'eth0', String(sibling.ipv4), String(sibling.ipv6)),
    host: await party(world.host, 'uplink0', hostUplink.ipv4, hostUplink.ipv6),
    nextHop: await party(world.internet, 'eth0', internetGateway.ipv4, internetGateway.ipv6),
    linkMac: netbackMac,
    gateway,
    far: farHost,
  };
}
