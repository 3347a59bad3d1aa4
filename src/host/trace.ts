/**
 * The kernel's packet trace, for a while: a table of our own that marks a few packets for it, and a socket that hears of their
 * way. Nothing else of the ruleset is touched, and the table goes when the watch ends, however it ends; what a killed
 * process left is taken away by the next, and by `cleanup`.
 */
import { EventSocket, nftGroup, protocol, readNftEvent } from '../netlink/index.ts';
import { refusedBy } from './classify.ts';
import type { Tools } from './tools.ts';
import { makeTraceTable, removeTraceTables, requireFreeTrace } from './trace-table.ts';

/** What one rule, or the end of a chain, did to a packet. */
export interface TraceEvent {
  /** The packet's. */
  readonly id: number;
  /** `family table chain`. */
  readonly chain: string;
  /** Undefined where a policy spoke, or the chain ended. */
  readonly handle: number | undefined;
  readonly verdict: 'accept' | 'drop' | 'continue';
  /** The packet's own, from Ethernet's on, not looked into; told once in each base chain. */
  readonly headers?: Buffer | undefined;
}

export interface PacketTrace {
  close(): Promise<void>;
}

/** `chains` is the table's content in nft's language. Resolves once packets are being traced. */
export async function tracePackets(
  tools: Tools,
  chains: string,
  listener: (event: TraceEvent) => void,
): Promise<PacketTrace> {
  const socket = listen(listener);
  try {
    const stop = await sampleByTable(tools, chains);
    const close = async () => {
      socket.close();
      await stop();
    };
    return { close };
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Makes the table that has packets traced. Resolves to what takes it away. Throws `refused` where another one is in the way. */
export async function sampleByTable(tools: Tools, chains: string): Promise<() => Promise<void>> {
  await requireFreeTrace(tools);
  const close = () => removeTraceTables(tools);
  try {
    await close();
    await makeTraceTable(tools, 'inet', chains);
    return close;
  } catch (error) {
    await close();
    throw error;
  }
}

function listen(listener: (event: TraceEvent) => void): EventSocket {
  try {
    return new EventSocket(protocol.netfilter, [nftGroup.traces], {
      heard(message) {
        const event = readNftEvent(message);
        if (event?.kind !== 'trace') return;
        const { id, family, table, chain, handle, verdict, headers } = event;
        listener({ id, chain: `${family} ${table} ${chain}`, handle, verdict, headers });
      },
      // What was heard is enough, or nothing is confirmed.
      lost: () => undefined,
    });
  } catch (error) {
    throw refusedBy('traced packets cannot be received', error);
  }
}
