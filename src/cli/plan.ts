/** `protect-network plan`: what the daemon would change on this host now. Changes nothing. */
import type { ConfigPaths } from '../config/config.ts';
import { describePlan } from '../lifecycle/plan.ts';
import { ExitCode } from '../model/errors.ts';
import { lookOnce, withHost } from './once.ts';

export async function showPlan(paths: ConfigPaths, { json }: { json: boolean }): Promise<ExitCode> {
  const { plan, problems, nameOf } = await withHost((host) => lookOnce(host, paths));
  const lines = describePlan(plan, nameOf);
  if (json) {
    process.stdout.write(`${JSON.stringify({ steps: lines, plan, problems }, null, 2)}\n`);
    return ExitCode.ok;
  }
  const signs = { add: '+', remove: '-', set: '~' };
  for (const { tool, action, text } of lines) process.stdout.write(`${signs[action]} ${tool} ${text}\n`);
  process.stdout.write(lines.length === 0 ? 'nothing to do: the host is as it should be\n' : `${lines.length} steps\n`);
  for (const problem of problems) process.stdout.write(`note: ${problem}\n`);
  return ExitCode.ok;
}
