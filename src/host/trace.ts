/**
 * nft's packet trace, for a while: a table of our own that marks a few packets for it, and the monitor that prints their
 * way. Nothing else of the ruleset is touched, and the table goes when the watch ends, however it ends; what a killed
 * process left is taken away by the next, and by `cleanup`.
 */
import { createInterface } from 'node:readline';
import { ProtectNetworkError } from '../model/errors.ts';
import { type HelperProcess, startJoined } from './spawn.ts';
import type { Tools } from './tools.ts';
import { makeTraceTable, removeTraceTable, requireFreeTrace, traceTable } from './trace-table.ts';

/** A monitor subscribes within milliseconds; a busy machine may need seconds to start it. */
const startMs = 15_000;

export class PacketTrace {
  readonly #tools: Tools;
  readonly #monitor: HelperProcess;

  private constructor(tools: Tools, monitor: HelperProcess) {
    this.#tools = tools;
    this.#monitor = monitor;
  }

  /** `chains` is the table's content in nft's language. Resolves once packets are being traced; `listener` gets the lines. */
  static async start(tools: Tools, chains: string, listener: (line: string) => void): Promise<PacketTrace> {
    await requireFreeTrace(tools);
    await removeTraceTable(tools);
    const monitor = startJoined(tools, 'nft', ['-a', 'monitor']);
    const trace = new PacketTrace(tools, monitor);
    try {
      const subscribed = new Promise<void>((resolve) => {
        createInterface({ input: monitor.stdout }).on('line', (line) => {
          if (line.startsWith(`add table inet ${traceTable}`)) resolve();
          else if (line.startsWith('trace id ')) listener(line);
        });
      });
      await Promise.race([trace.#announce(chains, subscribed), late()]);
      return trace;
    } catch (error) {
      await trace.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#monitor.kill('SIGKILL');
    await this.#monitor.ended;
    await removeTraceTable(this.#tools);
  }

  /** The monitor says nothing when it has subscribed: the table is made again and again until it is heard of. */
  async #announce(chains: string, subscribed: Promise<void>): Promise<void> {
    let isHeard = false;
    const heard = subscribed.then(() => {
      isHeard = true;
    });
    const giveUp = performance.now() + startMs;
    while (!isHeard && performance.now() < giveUp) {
      await removeTraceTable(this.#tools);
      await makeTraceTable(this.#tools, chains);
      await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, 200))]);
    }
    await heard;
  }
}

async function late(): Promise<never> {
  const timer = Promise.withResolvers<never>();
  setTimeout(() => {
    timer.reject(new ProtectNetworkError('timeout', `nft monitor did not begin within ${startMs} ms`));
  }, startMs).unref();
  return timer.promise;
}
