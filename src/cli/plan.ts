/** `protect-network plan`: what the daemon would change on this host now. Changes nothing. */
import type { ConfigPaths } from '../config/config.ts';
import { describePlan } from '../lifecycle/pass-plan.ts';
import { ExitCode } from '../model/errors.ts';
import { type DataFormat, printData } from './listing.ts';
import { lookOnce, withHost } from './once.ts';
import { print } from './terminal.ts';

export async function showPlan(paths: ConfigPaths, { data }: { data: DataFormat | undefined }): Promise<ExitCode> {
  const { plan, problems, nameOf } = await withHost((host) => lookOnce(host, paths));
  const lines = describePlan(plan, nameOf);
  if (data !== undefined) {
    await printData({ steps: lines, plan, problems }, data);
    return ExitCode.ok;
  }
  const signs = { add: '+', remove: '-', set: '~' };
  const text = [
    ...lines.map((line) => `${signs[line.action]} ${line.tool} ${line.text}`),
    lines.length === 0 ? 'nothing to do: the host is as it should be' : `${lines.length} steps`,
    ...problems.map((problem) => `note: ${problem}`),
  ];
  await print(`${text.join('\n')}\n`);
  return ExitCode.ok;
}
