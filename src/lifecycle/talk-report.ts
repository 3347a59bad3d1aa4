/** Builds what `GET /v1/talk` answers from the tracked connections of this host. */
import { type Talk, type TalkConnection, TalkCount } from '../control/talk.ts';
import type { Address } from '../model/address.ts';
import type { Reconciler } from './reconciler.ts';

export type VisitConnections = (visitor: (connection: TalkConnection) => void) => Promise<void>;

export async function reportTalk(
  { policing }: Pick<Reconciler, 'policing'>,
  visitConnections: VisitConnections,
): Promise<Talk> {
  const zones = [...(policing.desired()?.byLink.values() ?? [])];
  const count = new TalkCount(zones.map(({ link, name, addresses }) => ({ link, name: name ?? null, addresses })));
  if (zones.length > 0) await visitConnections((connection) => count.add(connection));
  return count.result(Date.now(), (address) => policing.isOwn(address as Address));
}
