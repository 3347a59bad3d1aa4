/** How the kernel's costs grow with the number of its objects: each kind by itself, by the tools that we use. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultAddresses } from '../test/lab/addresses.ts';
import { type World, withWorld } from '../test/lab/world.ts';
import { range } from './lab.ts';
import { type BenchOptions, type Report, rounded } from './report.ts';

interface Kind {
  readonly name: string;
  /** Commands for so many objects of the kind, by `nft -f` or by `ip -batch`. */
  readonly lines: (count: number) => string[];
  readonly tool: 'nft' | 'ip';
  readonly prepare?: readonly string[];
  readonly undo: readonly string[];
}

const address = (index: number) => defaultAddresses(index, 0);

const kinds: readonly Kind[] = [
  {
    name: 'set elements (link . address, counted)',
    tool: 'nft',
    prepare: ['add table inet t', 'add set inet t s { type ifname . ipv4_addr; counter; }'],
    lines: (count) => range(1, count).map((index) => `add element inet t s { vif${index}.0 . ${address(index).ipv4} }`),
    undo: ['delete table inet t'],
  },
  {
    name: 'pairs of rules, loaded at once',
    tool: 'nft',
    prepare: ['add table ip t', 'add chain ip t c'],
    lines: (count) =>
      range(1, count).flatMap((index) =>
        ['oifname', 'iifname'].map((key) => `add rule ip t c ${key} "vif${index}.0" counter accept`),
      ),
    undo: ['delete table ip t'],
  },
  {
    name: 'IPv4 routes by one link',
    tool: 'ip',
    lines: (count) => range(1, count).map((index) => `route add ${address(index).ipv4}/32 dev vif1.0 proto 75`),
    undo: ['route flush proto 75'],
  },
  {
    name: 'IPv6 routes by one link',
    tool: 'ip',
    lines: (count) => range(1, count).map((index) => `route add ${address(index).ipv6}/128 dev vif1.0 proto 75`),
    undo: ['route flush table main proto 75'],
  },
  {
    name: 'IPv6 neighbour proxies on one link',
    tool: 'ip',
    lines: (count) => range(1, count).map((index) => `neighbour add proxy ${address(index).ipv6} dev vif1.0`),
    undo: ['link set vif1.0 down', 'link set vif1.0 up'],
  },
];

export async function benchObjects({ quick }: BenchOptions): Promise<Report> {
  const sizes = quick ? [500, 1000, 2000] : [1000, 2000, 5000, 10_000, 20_000];
  const rows = await withWorld({}, async (world) => {
    await world.addLink('vif1.0');
    await world.host.ip('link set vif1.0 up');
    const measured = [];
    for (const kind of kinds) measured.push(await rowOf(world, kind, sizes));
    measured.push(await linksRow(world, quick ? [200, 500, 1000] : [1000, 2000, 5000]));
    return measured;
  });
  return {
    title: 'Kernel objects: microseconds for each, when so many are made one after the other',
    rows,
    targets: rows.map((row) => ({
      what: `${row.what}: exponent of growth (1 is linear in the whole)`,
      value: row.exponent,
      limit: 1.35,
    })),
    notes: [
      'The neighbour proxies’ table has 16 buckets and is walked: quadratic in the whole, which is why siblings are bounded (64).',
      'Links: with a route and an address on none of them, as by the daemon; IPv4 routes walk the list of links for a source.',
    ],
  };
}

async function rowOf(world: World, kind: Kind, sizes: readonly number[]) {
  const costs = new Map<number, number>();
  for (const size of sizes) {
    const file = join(world.files.directory, 'objects');
    if (kind.prepare !== undefined) await world.host.nft(kind.prepare.join('; '));
    await writeFile(file, `${kind.lines(size).join('\n')}\n`);
    const begin = performance.now();
    await world.host.mustExec(kind.tool, [kind.tool === 'nft' ? '-f' : '-batch', file], { timeoutMs: 600_000 });
    costs.set(size, ((performance.now() - begin) * 1000) / size);
    if (kind.tool === 'nft') await world.host.nft(kind.undo.join('; '));
    else
      for (const line of kind.undo)
        await world.host.exec('ip', [...(kind.name.includes('IPv6') ? ['-6'] : []), ...line.split(' ')]);
  }
  return asRow(kind.name, costs);
}

/** A route for the last of so many links. */
async function linksRow(world: World, sizes: readonly number[]) {
  const costs = new Map<number, number>();
  let made = 1;
  for (const size of sizes) {
    const links = range(made + 1, size - made);
    await world.addManyLinks(links.length, made + 1);
    made = size;
    const up = links.map((index) => `link set vif${index}.0 up`);
    await world.host.ip(...up);
    const file = join(world.files.directory, 'objects');
    const sample = links.slice(-200);
    await writeFile(
      file,
      sample.map((index) => `route add ${address(index).ipv4}/32 dev vif${index}.0 proto 75\n`).join(''),
    );
    const begin = performance.now();
    await world.host.mustExec('ip', ['-batch', file]);
    costs.set(size, ((performance.now() - begin) * 1000) / sample.length);
  }
  return asRow('an IPv4 route, each by its own link', costs);
}

function asRow(what: string, costs: ReadonlyMap<number, number>) {
  const [first, last] = [[...costs][0], [...costs].at(-1)];
  const exponent =
    first === undefined || last === undefined
      ? null
      : rounded(1 + Math.log(last[1] / first[1]) / Math.log(last[0] / first[0]));
  return { what, ...Object.fromEntries([...costs].map(([size, cost]) => [String(size), rounded(cost, 1)])), exponent };
}
