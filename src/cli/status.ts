/** `protect-network status`, once or again and again. */
import { setTimeout as delay } from 'node:timers/promises';
import { fetchStatus } from '../control/fetch-status.ts';
import { ExitCode, hasCode, messageOf, ProtectNetworkError } from '../model/errors.ts';
import { findControlSocket } from './control-socket.ts';
import { type Format, isData, printData } from './listing.ts';
import { painter } from './paint.ts';
import { ratesBetween, type Snapshot } from './rates.ts';
import { onScreen, type Screen } from './screen.ts';
import { printLinks, printZoneRows } from './status-listing.ts';
import { statusText } from './status-text.ts';
import { print, standardOutput, warn } from './terminal.ts';
import { wrapped } from './text-width.ts';
import { localTime } from './units.ts';

export interface StatusOptions {
  readonly format: Format;
  readonly hasHeaders: boolean;
  readonly noColor: boolean;
}

const everyMs = 1000;

export async function showStatus(settingsPath: string, options: StatusOptions): Promise<ExitCode> {
  const status = await fetchStatus(await findControlSocket(settingsPath));
  const { format, hasHeaders } = options;
  if (isData(format)) await printData(status, format);
  else if (format === 'name') await printLinks(status);
  else if (!hasHeaders) await printZoneRows(status, widthOf(options));
  else await print(asText({ status, at: performance.now() }, undefined, options));
  return ExitCode.ok;
}

/** Until it is told to end. A daemon that does not answer at first is an error; one that goes away is waited for. */
export async function watchStatus(settingsPath: string, options: StatusOptions): Promise<ExitCode> {
  const { format } = options;
  if (format === 'name' || !options.hasHeaders)
    throw new ProtectNetworkError('usage', '--watch does not go with --output name or --no-headers');
  const socket = await findControlSocket(settingsPath);
  const first = await look(socket);
  const { isTerminal, isDumb } = standardOutput(options.noColor);
  if (isTerminal && !isDumb && !isData(format)) {
    await onScreen((screen) => redraw(socket, first, options, screen));
    return ExitCode.ok;
  }
  let before: Snapshot | undefined;
  for (let current: Snapshot | string = first; ; current = await lookAgain(socket)) {
    if (typeof current === 'string') warn(current);
    else if (format === 'json') await print(`${JSON.stringify(current.status)}\n`);
    else if (format === 'yaml') await print('---\n').then(() => printData(current.status, format));
    else await print(`${localTime(Date.now())}\n${asText(current, before, options)}\n`);
    before = typeof current === 'string' ? undefined : current;
    await delay(everyMs);
  }
}

async function redraw(socket: string, first: Snapshot, options: StatusOptions, screen: Screen): Promise<void> {
  let before: Snapshot | undefined;
  let current: Snapshot | string = first;
  const draw = () => screen.draw(asLines(current, before, options));
  process.stdout.on('resize', draw);
  try {
    while (!screen.ended.aborted) {
      draw();
      if (await isAborted(everyMs, screen.ended)) return;
      before = typeof current === 'string' ? undefined : current;
      current = await lookAgain(socket);
    }
  } finally {
    process.stdout.off('resize', draw);
  }
}

function asLines(current: Snapshot | string, before: Snapshot | undefined, options: StatusOptions): string[] {
  const { width, rows } = standardOutput(options.noColor);
  const end = rows < 20 ? ['q ends this'] : ['', 'q ends this'];
  const room = rows - end.length;
  const lines =
    typeof current === 'string'
      ? [...wrapped(current, width), 'trying again every second'].slice(0, room)
      : textLines(current, before, options, room);
  return [...lines, ...end];
}

function asText(current: Snapshot, before: Snapshot | undefined, options: StatusOptions): string {
  return `${textLines(current, before, options).join('\n')}\n`;
}

function textLines(
  current: Snapshot,
  before: Snapshot | undefined,
  options: StatusOptions,
  rows?: number,
): readonly string[] {
  const { hasColour } = standardOutput(options.noColor);
  return statusText(current.status, {
    now: Date.now(),
    width: widthOf(options),
    rows,
    paint: painter(hasColour),
    rates: before === undefined ? undefined : ratesBetween(before, current),
  });
}

function widthOf({ format, noColor }: StatusOptions): number {
  return format === 'wide' ? Number.POSITIVE_INFINITY : standardOutput(noColor).width;
}

async function look(socket: string): Promise<Snapshot> {
  const status = await fetchStatus(socket);
  return { status, at: performance.now() };
}

/** What went wrong, in words, where the daemon does not answer now. */
async function lookAgain(socket: string): Promise<Snapshot | string> {
  try {
    return await look(socket);
  } catch (error) {
    if (hasCode(error, 'unreachable', 'timeout', 'refused', 'garbled')) return messageOf(error);
    throw error;
  }
}

/** Waits; true where the wait was cut short. */
async function isAborted(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  await delay(milliseconds, undefined, { signal }).catch((error: Error) => {
    if (error.name !== 'AbortError') throw error;
  });
  return signal.aborted;
}
