/** `protect-network status`, once. */
import { fetchStatus } from '../control/fetch-status.ts';
import { processesHere } from '../host/processes.ts';
import { routingDaemonIn } from '../host/routing-daemon.ts';
import { ExitCode } from '../model/errors.ts';
import { findControlSocket } from './control-socket.ts';
import { type Format, isData, printData, widthOf } from './listing.ts';
import { painter } from './paint.ts';
import { ratesBetween, type Snapshot } from './rates.ts';
import { printLinks, printZoneRows } from './status-listing.ts';
import { statusText } from './status-text.ts';
import { print, standardOutput } from './terminal.ts';

export interface StatusOptions {
  readonly format: Format;
  readonly hasHeaders: boolean;
  readonly noColor: boolean;
}

export async function showStatus(settingsPath: string, options: StatusOptions): Promise<ExitCode> {
  const status = await fetchStatus(await findControlSocket(settingsPath));
  const { format, hasHeaders } = options;
  if (isData(format)) await printData(status, format);
  else if (format === 'name') await printLinks(status);
  else if (!hasHeaders) await printZoneRows(status, widthOf(options));
  else await print(asText({ status, at: performance.now() }, undefined, options));
  return ExitCode.ok;
}

/** With rates where there is a snapshot before. */
export function asText(current: Snapshot, before: Snapshot | undefined, options: StatusOptions): string {
  const { hasColour } = standardOutput(options.noColor);
  const lines = statusText(current.status, {
    now: Date.now(),
    width: widthOf(options),
    paint: painter(hasColour),
    router: current.status.fleet ? routingDaemonIn(processesHere()) : undefined,
    rates: before === undefined ? undefined : ratesBetween(before, current),
  });
  return `${lines.join('\n')}\n`;
}
