/** Whether the daemon is well, in the words of `GET /healthz`. Pure. */
import type { Status } from './status.ts';

/** More would be a log, not an answer. */
const maxReasons = 100;

/** `ok` when ready; otherwise the state and one reason per line. */
export function healthOf(status: Status): { healthy: boolean; text: string } {
  if (status.state === 'ready') return { healthy: true, text: 'ok\n' };
  const reasons = [...status.failures.map(({ what, reason }) => `${what}: ${reason}`), ...status.warnings];
  return { healthy: false, text: `${[status.state, ...reasons.slice(0, maxReasons)].join('\n')}\n` };
}
