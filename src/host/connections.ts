/** Every tracked connection of this host, for who looks at all of them now and then. */
import type { Address } from '../model/address.ts';
import { type Connection, ConntrackSocket, readFlow, type TrackedFlow } from '../netlink/index.ts';
import { refusedBy } from './classify.ts';
import { readKept } from './kept-file.ts';
import type { BegunConnection, Fill } from './port.ts';
import { readNumberIfThere } from './read-if-there.ts';
import { transportOf } from './route-numbers.ts';

/** Undefined where connection tracking is not loaded. */
export function connectionCount(): Fill | undefined {
  const [count, max] = [trackedNow(), readNumberIfThere('/proc/sys/net/netfilter/nf_conntrack_max', readKept)];
  return count === undefined || max === undefined ? undefined : { count, max };
}

/** Undefined where this host tracks no connections. */
export function trackedNow(): number | undefined {
  return readNumberIfThere('/proc/sys/net/netfilter/nf_conntrack_count', readKept);
}

/**
 * One after the other, by a socket of its own that is closed at the end: a zone that opens meanwhile does not wait, and nothing
 * is held while nobody looks. What changes meanwhile may be missing or be told twice.
 */
export async function visitFlows(visitor: (flow: TrackedFlow) => void): Promise<void> {
  // Connection tracking is not loaded, or has nothing.
  if ((trackedNow() ?? 0) === 0) return;
  try {
    const socket = new ConntrackSocket();
    try {
      await socket.visit((message) => {
        const flow = readFlow(message);
        if (flow !== undefined) visitor(flow);
      });
    } finally {
      socket.close();
    }
  } catch (error) {
    throw refusedBy('the tracked connections', error);
  }
}

export function visitConnections(visitor: (connection: BegunConnection) => void): Promise<void> {
  return visitFlows((flow) => visitor(begunOf(flow)));
}

export function begunOf({
  protocol,
  original,
  reply,
}: Pick<Connection, 'protocol' | 'original' | 'reply'>): BegunConnection {
  return {
    source: original.source as Address,
    destination: reply.source as Address,
    transport: transportOf(protocol) ?? 'other',
    port: reply.sourcePort ?? 0,
    askedPort: original.destinationPort ?? 0,
  };
}
