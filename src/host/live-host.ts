/** What `explain --live` does on a real host: an echo request of dom0's own, and the kernel's trace. */
import type { Address } from '../model/address.ts';
import { hasCode } from '../model/errors.ts';
import { type Heard, startHearing, whatWasHeard } from './hearing.ts';
import type { Tools } from './tools.ts';
import { type PacketTrace, type TraceEvent, tracePackets } from './trace.ts';
import { type FoundTrace, foundTraces, removeTraceTables } from './trace-table.ts';

export interface LiveHost {
  /** True where it is answered within a second; undefined where ping is not installed. */
  echo(address: Address): Promise<boolean | undefined>;
  /** See `tracePackets`. */
  trace(chains: string, listener: (event: TraceEvent) => void): Promise<PacketTrace>;
  /** Once the trace is there, which takes it away with its own table. See `startHearing`. */
  hear(content: string): Promise<string | undefined>;
  heard(): Promise<Heard>;
  foundTraces(): Promise<FoundTrace[]>;
  removeTraces(): Promise<void>;
}

export function liveHost(tools: Tools): LiveHost {
  return {
    async echo(address) {
      try {
        return (await tools.run('ping', ['-n', '-q', '-c', '1', '-W', '1', address])).exitCode === 0;
      } catch (error) {
        if (hasCode(error, 'tool-missing')) return undefined;
        throw error;
      }
    },
    trace: (chains, listener) => tracePackets(tools, chains, listener),
    hear: (content) => startHearing(tools, content),
    heard: () => whatWasHeard(tools),
    foundTraces: () => foundTraces(tools),
    removeTraces: () => removeTraceTables(tools),
  };
}
