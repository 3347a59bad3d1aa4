/** The kernel's routes as `ip monitor` tells of them, awaited without polling: that would take the daemon's processor. */
import { farHost } from '../test/lab/addresses.ts';
import type { ObservedHost } from '../test/lab/host.ts';
import { waitFor } from '../test/lab/wait-for.ts';

const deadlineMs = 10_000;

export class RouteWatch {
  #listener: (line: string) => void = () => undefined;

  /** Resolves once events arrive; the host's namespace ends the monitor. */
  static async start(host: ObservedHost): Promise<RouteWatch> {
    const watch = new RouteWatch();
    const monitor = host.spawn('ip', ['-o', 'monitor', 'route'], (line) => watch.#listener(line));
    const probe = `${farHost.ipv4}/32 dev uplink0`;
    const isSeen = async () => {
      await host.ip(`route replace ${probe}`, `route del ${probe}`);
      return monitor.stdout.length > 0;
    };
    await waitFor(isSeen, { what: 'the route monitor', everyMs: 50 });
    return watch;
  }

  /** Resolves with `performance.now()` of the moment when a line with each of `beginnings` has come since this call. */
  all(beginnings: readonly string[]): Promise<number> {
    const missing = new Set(beginnings);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const late = () => reject(new Error(`${[...missing].join(' and ')} did not come within ${deadlineMs} ms`));
    const timer = setTimeout(late, deadlineMs);
    this.#listener = (line) => {
      for (const beginning of missing) if (line.startsWith(beginning)) missing.delete(beginning);
      if (missing.size > 0) return;
      clearTimeout(timer);
      resolve(performance.now());
    };
    return promise;
  }
}
