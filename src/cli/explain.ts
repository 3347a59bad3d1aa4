/** `protect-network explain`: why a packet passes this host, or does not. */
import { type ConfigPaths, loadConfig } from '../config/config.ts';
import { explain } from '../explain/explain.ts';
import { parseRequest } from '../explain/subject.ts';
import type { Report } from '../explain/walk.ts';
import { createInspection } from '../host/index.ts';
import { procSysctl } from '../host/sysctl.ts';
import { ExitCode } from '../model/errors.ts';
import { reportLines } from './explain-text.ts';
import { painter } from './paint.ts';
import { print, printable } from './terminal.ts';

export interface ExplainOptions {
  readonly subject: string;
  readonly to: string | undefined;
  readonly from: string | undefined;
  readonly udp: boolean;
  readonly json: boolean;
  readonly noColor: boolean;
}

export async function explainPacket(paths: ConfigPaths, options: ExplainOptions): Promise<ExitCode> {
  const request = parseRequest(options.subject, options.to, options.from, options.udp);
  const reports = await explain({ inspection: createInspection(), sysctl: procSysctl }, request, loadConfig(paths));
  if (options.json) await print(`${JSON.stringify(reports, null, 2)}\n`);
  else await print(asText(reports, options));
  return reports.every(({ verdict }) => verdict === 'passes') ? ExitCode.ok : ExitCode.failed;
}

function asText(reports: readonly Report[], { noColor }: ExplainOptions): string {
  const paint = painter(process.stdout.isTTY === true && !noColor);
  return `${reports.map((report) => reportLines(report, (tone, text) => paint(tone, printable(text))).join('\n')).join('\n\n')}\n`;
}
