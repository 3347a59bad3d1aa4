/**
 * The loop on the fake kernel: a directory in memory, a record of what was asked of the kernel, a hand on the event
 * stream, and time that moves when told to.
 */
import { Writable } from 'node:stream';
import { setImmediate as nextTask } from 'node:timers/promises';
import pino from 'pino';
import { expect, onTestFinished, vi } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import type { Host, HostEvent } from '../../../src/host/port.ts';
import { sysctlName } from '../../../src/host/sysctl.ts';
import { Reconciler } from '../../../src/lifecycle/reconciler.ts';
import { Reporter } from '../../../src/lifecycle/reporter.ts';
import { describeCommand } from '../../../src/nft/words.ts';
import { configOf } from '../../events/config.ts';
import { MemoryDirectory } from '../../events/memory-directory.ts';
import { FakeHost } from '../../fake/kernel.ts';

export { configOf, refusal, subnetsOf } from '../../events/config.ts';
export { MemoryDirectory } from '../../events/memory-directory.ts';

/** Longer than what the daemon holds back for a moment, and far shorter than any pause it makes for a reason. */
const momentMs = 30;

export interface WorldOptions {
  readonly host?: FakeHost;
  readonly directories?: readonly MemoryDirectory[];
  readonly config?: Config;
  readonly makeReporter?: (log: pino.Logger) => Reporter;
  /** What stands between the daemon and the kernel. */
  readonly wrap?: (host: Host) => Host;
}

export class World {
  readonly host: FakeHost;
  readonly directories: readonly MemoryDirectory[];
  /** What was asked of the kernel, in order, one line each. */
  readonly trace: string[] = [];
  readonly log: { level: number; msg: string }[] = [];
  config: Config;
  reconciler: Reconciler;
  /** What stands between the kernel's events and the daemon. */
  deliver: (event: HostEvent, pass: (event: HostEvent) => void) => void = (event, pass) => pass(event);
  readonly #makeReporter: (log: pino.Logger) => Reporter;
  readonly #wrap: (host: Host) => Host;

  constructor(options: WorldOptions = {}) {
    this.host = options.host ?? new FakeHost();
    this.directories = options.directories ?? [new MemoryDirectory()];
    this.config = options.config ?? configOf();
    this.#makeReporter = options.makeReporter ?? ((log) => new Reporter(log));
    this.#wrap = options.wrap ?? ((host) => host);
    this.reconciler = this.#makeReconciler();
  }

  /** The first directory. */
  get directory(): MemoryDirectory {
    const [first] = this.directories;
    if (first === undefined) throw new Error('a world without directories');
    return first;
  }

  /** Resolves when no event is under way and the loop is idle. */
  async settle(): Promise<void> {
    await this.#idle();
    // Siblings are told of each other, and links that went down looked at, a moment later.
    vi.advanceTimersByTime(momentMs);
    await this.#idle();
  }

  async #idle(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      await nextTask();
      await this.reconciler.idle();
    }
  }

  /** Lets timers come due in steps, the loop settling in between. */
  async pass(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 5_000) {
      vi.advanceTimersByTime(Math.min(5_000, left));
      await this.settle();
    }
  }

  /** A new process on the same kernel. */
  async restart(): Promise<void> {
    await this.reconciler.stop();
    await this.host.close();
    this.reconciler = this.#makeReconciler();
    await this.reconciler.start();
    await this.settle();
  }

  async reload(config: Config): Promise<void> {
    this.config = config;
    await this.reconciler.reload(config);
    await this.settle();
  }

  addLink(name: string): number {
    return this.host.addLink(name);
  }

  stateOf(name: string): string | undefined {
    return this.reconciler.records.values().find((record) => record.link === name)?.state;
  }

  reasonOf(name: string): string | undefined {
    return this.reconciler.records.values().find((record) => record.link === name)?.reason;
  }

  /** Lines of the fake's whole state that hold all of `parts`. */
  lines(...parts: string[]): string[] {
    return this.host
      .render()
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => parts.every((part) => line.includes(part)));
  }

  has(...parts: string[]): boolean {
    return this.lines(...parts).length > 0;
  }

  #makeReconciler(): Reconciler {
    const lines = new Writable({
      write: (chunk, _encoding, done) => {
        this.log.push(JSON.parse(String(chunk)));
        done();
      },
    });
    const reporter = this.#makeReporter(pino({ level: 'debug' }, lines));
    const { config, directories } = this;
    return new Reconciler({
      host: this.#wrap(this.#recorded()),
      config,
      makeDirectories: () => [...directories],
      reporter,
    });
  }

  /** The fake, with a line in the trace for each thing asked of it. */
  #recorded(): Host {
    const { host, trace } = this;
    const { rtnetlink, nft, sysctl, conntrack } = host;
    return {
      rtnetlink: {
        links: () => rtnetlink.links(),
        routes: (...which) => rtnetlink.routes(...which),
        waysOut: () => rtnetlink.waysOut(),
        isOwn: (address) => rtnetlink.isOwn(address),
        shapers: () => rtnetlink.shapers(),
        foreignRoutes: (within) => rtnetlink.foreignRoutes(within),
        defaultRoutes: () => rtnetlink.defaultRoutes(),
        proxies: (...which) => rtnetlink.proxies(...which),
        apply: (changes) => {
          for (const change of changes) {
            const where = 'ifindex' in change ? ` if${change.ifindex}` : '';
            trace.push(`${change.kind}${where}${'address' in change ? ` ${change.address}` : ''}`);
          }
          return rtnetlink.apply(changes);
        },
      },
      nft: {
        tables: () => nft.tables(),
        forwardChains: () => nft.forwardChains(),
        table: (...which) => nft.table(...which),
        rules: (...which) => nft.rules(...which),
        generation: () => nft.generation(),
        counters: (set) => nft.counters(set),
        lease: (set, leases) => nft.lease(set, leases),
        release: (set, keys) => nft.release(set, keys),
        leases: (set, type) => nft.leases(set, type),
        refusalOf: (commands) => nft.refusalOf(commands),
        transact: (commands) => {
          trace.push(...commands.map(describeCommand));
          return nft.transact(commands);
        },
      },
      sysctl: {
        read: (path) => sysctl.read(path),
        write: (path, value) => {
          trace.push(`${sysctlName(path)}=${value}`);
          sysctl.write(path, value);
        },
        follow: (link) => sysctl.follow(link),
        unfollow: (link) => sysctl.unfollow(link),
        followProblem: undefined,
      },
      conntrack: {
        fill: () => conntrack.fill(),
        countBySource: () => conntrack.countBySource(),
        begunBy: (addresses) => conntrack.begunBy(addresses),
        end: (connections) => conntrack.end(connections),
        purge: (addresses) => {
          if (addresses.length > 0) trace.push(`purge ${addresses.join(' ')}`);
          return conntrack.purge(addresses);
        },
      },
      legacyFilter: (family) => host.legacyFilter(family),
      watch: (listener) => host.watch((event) => this.deliver(event, listener)),
      close: () => host.close(),
    };
  }
}

/** A started world whose timers stand still; ends with the test. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  stopTime();
  const world = new World(options);
  onTestFinished(() => world.reconciler.stop());
  await world.reconciler.start();
  await world.settle();
  return world;
}

/** Another pass over everything changes nothing. */
export async function expectIdle(world: World): Promise<void> {
  const before = world.host.render();
  const { transactions: generation } = world.host.nft;
  const { changes } = world.host.rtnetlink;
  const { length } = world.trace;
  world.host.loseEvents('asked by the test');
  world.directory.poke();
  await world.settle();
  expect(world.trace.slice(length)).toEqual([]);
  expect([world.host.nft.transactions, world.host.rtnetlink.changes]).toEqual([generation, changes]);
  expect(world.host.render()).toBe(before);
}

/** Timers fire when `pass` says so. The pause of a few milliseconds between passes stays real. */
export function stopTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
}
