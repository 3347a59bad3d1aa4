/** Applies changes to links, routes and neighbour proxies, and says what was reached. */
import type { Rtnetlink, RtnetlinkChange } from '../host/port.ts';
import type { ProtectNetworkError } from '../model/errors.ts';

export interface FailedChange {
  readonly change: RtnetlinkChange;
  readonly error: ProtectNetworkError;
}

/** Returns the changes that failed. One that failed because its link vanished is expected and among them. */
export async function applyRtnetlink(
  rtnetlink: Rtnetlink,
  changes: readonly RtnetlinkChange[],
): Promise<FailedChange[]> {
  if (changes.length === 0) return [];
  const results = await rtnetlink.apply(changes);
  return changes.flatMap((change, index) => {
    const result = results[index];
    return result === undefined || result.ok ? [] : [{ change, error: result.error }];
  });
}
