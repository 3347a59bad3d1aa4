/** Every way that a zone's packets go, each tried by a new TCP connection: what others' firewalls must leave open. */
import { farHost, hostUplink } from './addresses.ts';
import { type EchoServer, startEchoServer, tcpConnect } from './echo.ts';
import { type Scene, untilNothingToDo } from './served.ts';

const families = ['ipv4', 'ipv6'] as const;
const directions = ['out', 'in', 'sibling'] as const;

/** `out`: from the first zone to the outside, masqueraded; `in`: from the outside to it; `sibling`: from the second one to it. */
export const allWays: readonly string[] = directions.flatMap((way) => families.map((family) => `${way} ${family}`));

/** The scene needs `routeBack: true`. Its end ends the servers too. */
export async function openWays(scene: Scene): Promise<Ways> {
  const { world, zones } = scene;
  const [server] = await Promise.all([startEchoServer(world.internet), startEchoServer(zones[0])]);
  return new Ways(scene, server);
}

export class Ways {
  readonly #scene: Scene;
  /** The outside's. */
  readonly server: EchoServer;

  constructor(scene: Scene, server: EchoServer) {
    this.#scene = scene;
    this.server = server;
  }

  /** Those that are open now; `expected` as `openOf` has it. */
  open(expected: readonly string[] = allWays): Promise<string[]> {
    const ways = directions.flatMap((way) =>
      families.map((family) => [`${way} ${family}`, () => this.#isOpen(way, family)] as const),
    );
    return openOf(new Map(ways), expected);
  }

  /** Those that are open once the daemon has nothing left to do. */
  async openAfterRepair(expected: readonly string[] = allWays): Promise<string[]> {
    await untilNothingToDo(this.#scene.world);
    return this.open(expected);
  }

  async #isOpen(way: (typeof directions)[number], family: (typeof families)[number]): Promise<boolean> {
    const {
      world,
      zones: [one, two],
    } = this.#scene;
    const { port } = this.server;
    if (way === 'out') {
      const exchange = await tcpConnect(one, farHost[family], port);
      return exchange.ok && exchange.peer === hostUplink[family];
    }
    return (await tcpConnect(way === 'in' ? world.internet : two, String(one[family]), port)).ok;
  }
}

/**
 * The names of the probes that succeed, in their order. Each is tried once; one that is expected to succeed and does not is
 * tried again a few times, since a busy machine may take longer than the probe waits.
 */
export async function openOf(
  probes: ReadonlyMap<string, () => Promise<boolean>>,
  expected: readonly string[],
): Promise<string[]> {
  const open = new Set<string>();
  const tryAll = (names: readonly string[]) =>
    Promise.all(names.map(async (name) => ((await probes.get(name)?.()) === true ? open.add(name) : undefined)));
  await tryAll([...probes.keys()]);
  for (let attempt = 0; attempt < 5; attempt++) await tryAll(expected.filter((name) => !open.has(name)));
  return [...probes.keys()].filter((name) => open.has(name));
}
