/**
 * A host that counts the steps of whoever uses it. A call that only looks is one step, before it; what comes after it is
 * the step before the next call. A call that changes the kernel is three: before it, once it is under way, and
 * after it. Changes of rtnetlink that are asked for together are made one by one, so that there is a step between any two.
 */
import { setImmediate as nextTask } from 'node:timers/promises';
import type { Host } from '../../src/host/port.ts';
import { commandLine } from '../../src/host/rtnetlink-changes.ts';
import { sysctlName } from '../../src/host/sysctl.ts';

export class Steps {
  /** Every step since the arming, in order. */
  names: string[] = [];
  #step = 0;
  #last = performance.now();

  arm(step: number): void {
    this.names = [];
    this.#step = step;
  }

  /** Since the last step. */
  get idleMs(): number {
    return performance.now() - this.#last;
  }

  pass(name: string): void {
    this.#last = performance.now();
    this.names.push(name);
    // SIGKILL takes effect before the call returns: nothing of the daemon runs after it.
    if (this.names.length === this.#step) process.kill(process.pid, 'SIGKILL');
  }
}

export function countedHost(host: Host, steps: Steps): Host {
  const { rtnetlink, nft, sysctl, conntrack } = host;
  const look = <T>(name: string, call: () => T): T => {
    steps.pass(name);
    return call();
  };
  const change = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    steps.pass(`before ${name}`);
    const done = call();
    // A rejection is for the caller, who gets it below.
    done.catch(() => undefined);
    await nextTask();
    steps.pass(`during ${name}`);
    const result = await done;
    steps.pass(`after ${name}`);
    return result;
  };
  return {
    rtnetlink: {
      links: () => look('links', () => rtnetlink.links()),
      routes: (...which) => look('routes', () => rtnetlink.routes(...which)),
      // As `counters`, for whoever asks for the status: a run that is asked would have steps that no other has.
      defaultRoutes: () => rtnetlink.defaultRoutes(),
      waysOut: () => rtnetlink.waysOut(),
      isOwn: (address) => rtnetlink.isOwn(address),
      shapers: () => rtnetlink.shapers(),
      foreignRoutes: (within) => rtnetlink.foreignRoutes(within),
      proxies: (...which) => look('proxies', () => rtnetlink.proxies(...which)),
      apply: async (changes) => {
        const results = [];
        for (const one of changes) results.push(...(await change(commandLine(one), () => rtnetlink.apply([one]))));
        return results;
      },
    },
    nft: {
      tables: () => look('tables', () => nft.tables()),
      forwardChains: () => look('forward chains', () => nft.forwardChains()),
      table: (...which) => look('table', () => nft.table(...which)),
      rules: (...which) => look('rules', () => nft.rules(...which)),
      refusalOf: (commands) => look('dry run', () => nft.refusalOf(commands)),
      generation: () => look('generation', () => nft.generation()),
      counters: (set) => nft.counters(set),
      leases: (set, type) => look('leases', () => nft.leases(set, type)),
      lease: (set, leases) => change(`${leases.length} leases`, () => nft.lease(set, leases)),
      release: (set, keys) => change(`the end of ${keys.length} leases`, () => nft.release(set, keys)),
      transact: (commands) => change(`transaction of ${commands.length}`, () => nft.transact(commands)),
    },
    sysctl: {
      follow: (link) => sysctl.follow(link),
      unfollow: (link) => sysctl.unfollow(link),
      get followProblem() {
        return sysctl.followProblem;
      },
      read: (path) => look(`read ${sysctlName(path)}`, () => sysctl.read(path)),
      write: (path, value) => {
        steps.pass(`before write ${sysctlName(path)}`);
        sysctl.write(path, value);
        steps.pass(`after write ${sysctlName(path)}`);
      },
    },
    conntrack: {
      fill: () => conntrack.fill(),
      countBySource: () => look('connections', () => conntrack.countBySource()),
      begunBy: (addresses) => look('connections', () => conntrack.begunBy(addresses)),
      end: (connections) => change('end of connections', () => conntrack.end(connections)),
      purge: (addresses) =>
        addresses.length === 0 ? conntrack.purge(addresses) : change('purge', () => conntrack.purge(addresses)),
    },
    legacyFilter: (family) => look('legacy filter', () => host.legacyFilter(family)),
    watch: (listener) => look('watch', () => host.watch(listener)),
    close: () => host.close(),
  };
}
