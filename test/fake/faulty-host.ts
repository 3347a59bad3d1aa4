/**
 * A host that goes wrong at the calls it is told, in every way that the port allows: a call fails before or after it has
 * had its effect, hangs until its bound and fails then, answers late with what it saw early, or answers garbage. Hanging
 * and lateness go by timers, so that a test with a hand on time decides how long they are.
 */
import type { Host } from '../../src/host/port.ts';
import { type ErrorCode, ProtectNetworkError } from '../../src/model/errors.ts';

export const faults = [
  'fails',
  'fails after its effect',
  'hangs',
  'hangs after its effect',
  'is late',
  'answers late',
  'answers garbage',
] as const;
export type Fault = (typeof faults)[number];

export interface Delays {
  /** What a hanging call costs. */
  readonly boundMs: number;
  readonly latenessMs: number;
}

/** The bound is the default of src/host/tools.ts. */
const realDelays: Delays = { boundMs: 20_000, latenessMs: 3_000 };

export class FaultPlan {
  readonly delays: Delays;
  /** Every call so far, in order; sysctls are left out of `calls` while they are not counted. */
  readonly calls: string[] = [];
  /** By the number of the call, from 1. */
  readonly ordered = new Map<number, Fault>();
  met = 0;
  #waiting = 0;
  #waits = Promise.withResolvers<void>();

  constructor(delays: Delays = realDelays) {
    this.delays = delays;
  }

  /** The fault for the call that begins now. */
  next(name: string): Fault | undefined {
    this.calls.push(name);
    const fault = this.ordered.get(this.calls.length);
    if (fault !== undefined) this.met += 1;
    return fault;
  }

  /** The next call from now on, or the one `ahead` of it. */
  order(fault: Fault, ahead = 0): void {
    this.ordered.set(this.calls.length + 1 + ahead, fault);
  }

  /** Forgets what has not been met. */
  clear(): void {
    this.ordered.clear();
  }

  /** Resolves while a call waits for a timer. */
  hangs(): Promise<void> {
    return this.#waits.promise;
  }

  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  async wait(milliseconds: number): Promise<void> {
    this.#waiting += 1;
    this.#waits.resolve();
    await new Promise<void>((resolve) => {
      setTimeout(resolve, milliseconds);
    });
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#waits = Promise.withResolvers<void>();
  }
}

/** `watch` goes right: a daemon that cannot listen ends, and is started again by whoever supervises it. */
export function faultyHost(host: Host, plan: FaultPlan): Host {
  const { rtnetlink, nft, sysctl, conntrack } = host;
  const { boundMs, latenessMs } = plan.delays;
  const call = async <T>(name: string, work: () => Promise<T>, garble?: (answer: T) => T): Promise<T> => {
    const fault = plan.next(name);
    switch (fault) {
      case undefined:
        return work();
      case 'fails':
        throw broken('refused', name);
      case 'fails after its effect':
        await work();
        throw broken('helper-died', name);
      case 'hangs':
        await plan.wait(boundMs);
        throw broken('timeout', name);
      case 'hangs after its effect':
        await work();
        await plan.wait(boundMs);
        throw broken('timeout', name);
      case 'is late':
        await plan.wait(latenessMs);
        return work();
      case 'answers late': {
        const answer = await work();
        await plan.wait(latenessMs);
        return answer;
      }
      case 'answers garbage': {
        const answer = await work();
        if (garble === undefined) throw broken('garbled', name);
        return garble(answer);
      }
    }
  };
  /** Synchronous calls can neither hang nor be late. */
  const now = <T>(name: string, work: () => T, garbage: () => T): T => {
    const fault = plan.next(name);
    if (fault === 'answers garbage') return garbage();
    if (fault === 'fails after its effect') work();
    if (fault !== undefined) throw broken('refused', name);
    return work();
  };
  return {
    rtnetlink: {
      links: () => call('rtnetlink.links', () => rtnetlink.links()),
      routes: (...which) =>
        call(
          'rtnetlink.routes',
          () => rtnetlink.routes(...which),
          (routes) => [...routes, ...strangeRoutes],
        ),
      isOwn: (address) => call('rtnetlink.isOwn', () => rtnetlink.isOwn(address)),
      shapers: () => call('rtnetlink.shapers', () => rtnetlink.shapers()),
      foreignRoutes: (within) => call('rtnetlink.foreignRoutes', () => rtnetlink.foreignRoutes(within)),
      waysOut: () => call('rtnetlink.defaultRoutes', () => rtnetlink.waysOut()),
      defaultRoutes: () => call('rtnetlink.defaultRoutes', () => rtnetlink.defaultRoutes()),
      proxies: (...which) => call('rtnetlink.proxies', () => rtnetlink.proxies(...which)),
      apply: (changes) =>
        call(
          'rtnetlink.apply',
          () => rtnetlink.apply(changes),
          () => changes.map(() => ({ ok: false, error: broken('garbled', 'rtnetlink.apply') })),
        ),
    },
    nft: {
      tables: () => call('nft.tables', () => nft.tables()),
      forwardChains: () => call('nft.forwardChains', () => nft.forwardChains()),
      table: (...which) =>
        call(
          'nft.table',
          () => nft.table(...which),
          (table) => (table === undefined ? table : [...table, ...strangeObjects]),
        ),
      rules: (...which) => call('nft.rules', () => nft.rules(...which)),
      transact: (commands) => call('nft.transact', () => nft.transact(commands)),
      refusalOf: (commands) => call('nft.refusalOf', () => nft.refusalOf(commands)),
      generation: () => call('nft.generation', () => nft.generation()),
      counters: (set) => call('nft.counters', () => nft.counters(set)),
      lease: (set, leases) => call('nft.lease', () => nft.lease(set, leases)),
      release: (set, keys) => call('nft.release', () => nft.release(set, keys)),
      leases: (set, type) => call('nft.leases', () => nft.leases(set, type)),
    },
    sysctl: {
      follow: (link) => sysctl.follow(link),
      unfollow: (link) => sysctl.unfollow(link),
      get followProblem() {
        return sysctl.followProblem;
      },
      read: (path) =>
        now(
          'sysctl.read',
          () => sysctl.read(path),
          () => '\u0000?',
        ),
      write: (path, value) =>
        now(
          'sysctl.write',
          () => sysctl.write(path, value),
          // There is nothing that a write answers.
          () => sysctl.write(path, value),
        ),
    },
    conntrack: {
      fill: () => conntrack.fill(),
      countBySource: () => call('conntrack.countBySource', () => conntrack.countBySource()),
      purge: (addresses) => call('conntrack.purge', () => conntrack.purge(addresses)),
      begunBy: (addresses) => call('conntrack.begunBy', () => conntrack.begunBy(addresses)),
      end: (connections) => call('conntrack.end', () => conntrack.end(connections)),
    },
    legacyFilter: (family) => call('legacyFilter', () => host.legacyFilter(family)),
    watch: (listener) => host.watch(listener),
    close: () => host.close(),
  };
}

const strangeRoutes = [
  { family: 'ipv4', destination: 'nonsense', type: 'unicast', table: 'main', device: 'vif7.0', protocol: '75' },
  { family: 'ipv6', destination: '10.75.0.300', type: 'other', table: '-1', device: undefined, protocol: '75' },
] as const;

/** Of a newer kernel or an older nft: shapes that nobody has described. */
const strangeObjects = [
  { future: { family: 'inet' } },
  { rule: 7 },
  { chain: {} },
  { set: { name: 7 } },
  { rule: { chain: 'x' } },
];

function broken(code: ErrorCode, name: string): ProtectNetworkError {
  return new ProtectNetworkError(code, `${name}: ordered by the test`);
}
