/** Every tracked connection of this host, for who looks at all of them now and then. */
import { ConntrackSocket, readFlow } from '../netlink/index.ts';
import { refusedBy } from './classify.ts';
import { begunOf } from './conntrack.ts';
import type { BegunConnection } from './port.ts';
import { readIfThere } from './read-if-there.ts';

/**
 * One after the other, by a socket of its own that is closed at the end: a zone that opens meanwhile does not wait, and nothing
 * is held while nobody looks. What changes meanwhile may be missing.
 */
export async function visitConnections(visitor: (connection: BegunConnection) => void): Promise<void> {
  // Connection tracking is not loaded, or has nothing.
  if (Number(readIfThere('/proc/sys/net/netfilter/nf_conntrack_count') ?? 0) === 0) return;
  try {
    const socket = new ConntrackSocket();
    try {
      await socket.visit((message) => {
        const flow = readFlow(message);
        if (flow !== undefined) visitor(begunOf(flow));
      });
    } finally {
      socket.close();
    }
  } catch (error) {
    throw refusedBy('the tracked connections', error);
  }
}
