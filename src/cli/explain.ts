/** `protect-network explain`: why a packet passes this host, or does not. */
import type { ConfigPaths } from '../config/config.ts';
import { type Explanation, explain } from '../explain/explain.ts';
import { confirm } from '../explain/live.ts';
import { parseRequest, type Words } from '../explain/request.ts';
import type { Report } from '../explain/walk.ts';
import { createInspection, createLiveHost } from '../host/index.ts';
import { procSysctl } from '../host/sysctl.ts';
import { ExitCode } from '../model/errors.ts';
import { readDaemonFiles } from './daemon-files.ts';
import { endable } from './ending.ts';
import { explanationLines } from './explain-text.ts';
import { type DataFormat, printData } from './listing.ts';
import { painter } from './paint.ts';
import { print, printable, standardOutput, warn } from './terminal.ts';

export interface ExplainOptions {
  readonly words: Words;
  /** Undefined: what passes is told in brief, what does not in full. */
  readonly length: 'brief' | 'full' | undefined;
  /** For how many seconds to watch real packets; undefined: not at all. */
  readonly live: number | undefined;
  readonly data: DataFormat | undefined;
  readonly noColor: boolean;
}

export async function explainPacket(paths: ConfigPaths, options: ExplainOptions): Promise<ExitCode> {
  const request = parseRequest(options.words);
  const eyes = { inspection: createInspection(), sysctl: procSysctl };
  const computed = await explain(eyes, request, await readDaemonFiles(paths));
  const reports = options.live === undefined ? computed.reports : await confirmAll(computed, options.live);
  if (options.data === undefined) await print(asText(reports, options));
  else await printData(reports, options.data);
  return reports.every(passes) ? ExitCode.ok : ExitCode.failed;
}

/** What a real packet showed counts more than what was computed. */
function passes({ verdict, sections }: Report): boolean {
  const live = sections.find(({ title }) => title === 'live')?.steps ?? [];
  return verdict === 'passes' && live.every(({ state }) => state !== 'bad');
}

/** However it ends, the trace is taken away: signals only end the watch. */
function confirmAll({ reports, facts }: Explanation, seconds: number): Promise<Report[]> {
  return endable(async ({ signal }) => {
    const options = { host: createLiveHost(), facts, seconds, signal, prompt: warn };
    const confirmed: Report[] = [];
    for (const report of reports) confirmed.push(await confirm(report, options));
    return confirmed;
  });
}

function asText(reports: readonly Report[], { noColor, length }: ExplainOptions): string {
  const paint = painter(standardOutput(noColor).hasColour);
  return `${explanationLines(reports, length, (tone, text) => paint(tone, printable(text))).join('\n')}\n`;
}
