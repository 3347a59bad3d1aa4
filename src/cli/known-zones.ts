/** Which zones there are: the daemon's, or those of the static directory where it does not answer. */
import { fetchStatus } from '../control/fetch-status.ts';
import type { Status } from '../control/status.ts';
import { messageOf, ProtectNetworkError } from '../model/errors.ts';
import { parseLinkName } from '../model/link-name.ts';
import type { DaemonConfig } from '../policy/daemon-config.ts';
import type { PolicedZone } from '../policy/model.ts';
import { readJudgedZones } from './static-zones.ts';

export interface KnownZones {
  readonly zones: readonly PolicedZone[];
  /** Why there may be other zones. */
  readonly doubt: string | undefined;
  /** The daemon's, or why there is none. */
  readonly status: Status | string;
}

export async function knownZones({ settings, subnets }: DaemonConfig): Promise<KnownZones> {
  try {
    const status = await fetchStatus(settings.control.socket);
    return { zones: policedZones(status), doubt: undefined, status };
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    const { staticDir } = settings.zones;
    const { entries } = await readJudgedZones(staticDir, subnets);
    const status = messageOf(error);
    return { zones: entries, doubt: `zones are those of ${staticDir}: ${status}`, status };
  }
}

function policedZones({ zones }: Pick<Status, 'zones'>): PolicedZone[] {
  return zones.flatMap(({ link: text, name, addresses }) => {
    const link = parseLinkName(text);
    return link === undefined ? [] : [{ link, name: name ?? undefined, addresses }];
  });
}

/** By link or by name, of which several zones may have the same. Throws `refused` where there is none. */
export function zonesCalled<Zone extends Pick<PolicedZone, 'link' | 'name'>>(
  asked: string,
  zones: readonly Zone[],
): Zone[] {
  const found = zones.filter(({ link, name }) => link === asked || name === asked);
  if (found.length > 0) return found;
  const words = `'${asked}' is neither a zone's link such as vif7.0 nor the name of a zone`;
  throw new ProtectNetworkError('refused', `${words}; protect-network status lists the zones`);
}
