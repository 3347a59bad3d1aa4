/** What `explain --live` does on a real host: an echo request of dom0's own, and the kernel's trace. */
import type { Address } from '../model/address.ts';
import { hasCode } from '../model/errors.ts';
import type { Tools } from './tools.ts';
import { type PacketTrace, type TraceEvent, tracePackets } from './trace.ts';
import { removeTraceTable, type TraceOwner, traceOwner } from './trace-table.ts';

export interface LiveHost {
  /** True where it is answered within a second; undefined where ping is not installed. */
  echo(address: Address): Promise<boolean | undefined>;
  /** See `tracePackets`. */
  trace(chains: string, listener: (event: TraceEvent) => void): Promise<PacketTrace>;
  traceOwner(): Promise<TraceOwner>;
  removeTrace(): Promise<void>;
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
    traceOwner: () => traceOwner(tools),
    removeTrace: () => removeTraceTable(tools),
  };
}
