/** What a zone tries whose policy names few places; and the policies, and leases, against which it does. */
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { type Family, families } from '../../src/model/address.ts';
import { fragment6, icmp, icmpv6, ipv4, ipv6, type Payload, udp } from '../lab/frames/packets.ts';
import { untilNothingToDo } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { World } from '../lab/world.ts';
import { type Attack, byZone, type Cast, fromZone, type Mark, packet, watchedPort } from './attack.ts';

/** Of the name: the zone has leased the IPv4 address with `own`, its sibling both addresses with `other`. */
const ports = { own: 4713, other: 4714, none: 4712 } as const;
const name = 'api.example.com';
const file = 'attacks.toml';

/** Puts them in force. Where the far host is open to a zone, it is so by a lease. The result undoes it. */
export async function policeZones(world: World, { far }: Cast): Promise<() => Promise<void>> {
  const honest = ['0.0.0.0/0', '[::/0]', 'host'].map((to) => `"${to}:${watchedPort}/udp"`);
  const policy = (link: string, port: number) =>
    `[[policy]]\nlinks = ["${link}"]\negress.allow = [${[...honest, `"${name}:${port}/udp"`].join(', ')}]\n`;
  await world.files.writePolicy(file, `${policy('vif7.0', ports.own)}${policy('vif8.0', ports.other)}`);
  const inForce = async () =>
    (await world.host.exec('nft', ['list', 'table', 'inet', 'edera'])).stdout.includes(` . ${watchedPort}`);
  await waitFor(inForce, { what: 'the policies to be in force', deadlineMs: 20_000 });
  await untilNothingToDo(world);
  const leases = [
    { link: 'vif7.0', addresses: [far.ipv4] },
    { link: 'vif8.0', addresses: [far.ipv4, far.ipv6] },
  ];
  await lease(world, leases);
  return async () => {
    await world.files.writePolicy(file, '');
    await untilNothingToDo(world);
  };
}

/** As the forwarder asks for them. */
async function lease(world: World, wanted: readonly { link: string; addresses: readonly string[] }[]): Promise<void> {
  const socket = createConnection(`${world.files.directory}/dns.sock`);
  try {
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    for (const [id, each] of wanted.entries()) {
      socket.write(`${JSON.stringify({ kind: 'lease', id, name, ttl: 300, ...each })}\n`);
    }
    for (let left = wanted.length; left > 0; ) {
      const { value } = await lines.next();
      const { kind, reason } = JSON.parse(String(value)) as { kind: string; reason?: string };
      if (kind === 'refused') throw new Error(`no lease: ${reason}`);
      if (kind === 'leased') left -= 1;
    }
  } finally {
    socket.destroy();
  }
}

const ofBothFamilies = families.flatMap((family): Attack[] => [
  attack(family, 'an address that nothing allows', (cast, mark) =>
    [cast.far, cast.sibling].map((to) => datagram(cast, family, to[family], ports.none, mark)),
  ),
  attack(family, 'what another zone has leased', (cast, mark) => [
    datagram(cast, family, cast.far[family], ports.other, mark),
  ]),
  attack(family, 'what another zone has leased, under its address', (cast, mark) => {
    const ends = [cast.sibling[family], cast.far[family]] as const;
    return [packet(family, ...ends, udp(ports.other, ports.other, mark(), ends))];
  }),
  attack(family, 'another resolver, directly', (cast, mark) => [datagram(cast, family, cast.far[family], 53, mark)]),
  attack(family, 'echo', (cast, mark) => [echo(cast, family, mark())]),
  attack(family, 'in fragments', (cast, mark, id) => {
    const ends = [cast.zone[family], cast.far[family]] as const;
    const whole = udp(ports.none, ports.none, Buffer.concat([mark(), Buffer.alloc(8)]), ends);
    const cut = 24;
    const pieces = [whole.bytes.subarray(0, cut), whole.bytes.subarray(cut)];
    return pieces.map((bytes, place) =>
      fragment(family, ends, { ...whole, bytes }, { id, offset: place * cut, more: place === 0 }),
    );
  }),
]);

export const deniedByPolicies: readonly Attack[] = [
  ...ofBothFamilies,
  attack('ipv4', 'another port of an address that it has leased', (cast, mark) => [
    datagram(cast, 'ipv4', cast.far.ipv4, ports.none, mark),
  ]),
  attack('ipv6', 'by IPv6 what it has leased by IPv4', (cast, mark) => [
    datagram(cast, 'ipv6', cast.far.ipv6, ports.own, mark),
  ]),
];

function attack(
  family: Family,
  what: string,
  packets: (cast: Cast, mark: Mark, id: number) => readonly Buffer[],
): Attack {
  const steps: Attack['steps'] = (cast, mark, id) =>
    byZone(packets(cast, mark, id).map((content) => fromZone(cast, content)));
  return { name: what, family, group: 'denied by a policy', policed: true, steps };
}

function datagram({ zone }: Cast, family: Family, to: string, port: number, mark: Mark): Buffer {
  const ends = [zone[family], to] as const;
  const bytes = mark();
  return packet(family, ...ends, udp(20_000 + (bytes.readUInt32BE(4) % 40_000), port, bytes, ends));
}

function echo({ zone, far }: Cast, family: Family, bytes: Buffer): Buffer {
  const ends = [zone[family], far[family]] as const;
  return packet(family, ...ends, family === 'ipv4' ? icmp(8, 0, 1, bytes) : icmpv6(ends, 128, 0, 1, bytes));
}

function fragment(
  family: Family,
  ends: readonly [string, string],
  piece: Payload,
  { id, offset, more }: { readonly id: number; readonly offset: number; readonly more: boolean },
): Buffer {
  if (family === 'ipv4') return ipv4(...ends, piece, { id, offset, moreFragments: more });
  return ipv6(...ends, fragment6(id, offset, more, piece));
}
