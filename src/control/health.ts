/** Whether the daemon is well, in the words of `GET /healthz`. Pure. */
import { sentenceOf } from '../model/fault.ts';
import type { Status } from './status.ts';
import { causesOf } from './verdict.ts';

/** More would be a log, not an answer. */
const maxReasons = 100;

/** `ok` when ready, otherwise the state; then a line for each zone directory, and one for each reason. */
export function healthOf(status: Status): { healthy: boolean; text: string } {
  const directories = status.directories.map(({ name, state, detail }) => `${name} ${state}: ${detail}`);
  if (status.state === 'ready') return { healthy: true, text: `${['ok', ...directories].join('\n')}\n` };
  const causes = causesOf(status).map(sentenceOf);
  const reasons = [...new Set([...causes, ...status.warnings])].slice(0, maxReasons);
  const lines = [status.state, ...directories, ...reasons];
  return { healthy: false, text: `${lines.join('\n')}\n` };
}
