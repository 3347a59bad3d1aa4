/** Whether the daemon is well, in the words of `GET /healthz`. Pure. */
import type { Status } from './status.ts';

/** More would be a log, not an answer. */
const maxReasons = 100;

/** `ok` when ready, otherwise the state; then a line for each zone directory, and one for each reason. */
export function healthOf(status: Status): { healthy: boolean; text: string } {
  const directories = status.directories.map(({ name, state, detail }) => `${name} ${state}: ${detail}`);
  if (status.state === 'ready') return { healthy: true, text: `${['ok', ...directories].join('\n')}\n` };
  const reasons = [...status.failures.map(({ what, reason }) => `${what}: ${reason}`), ...status.warnings];
  return { healthy: false, text: `${[status.state, ...directories, ...reasons.slice(0, maxReasons)].join('\n')}\n` };
}
