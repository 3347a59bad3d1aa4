/** `protect-network top`, and `status --watch`: the status again and again, until it is told to end. */
import { setTimeout as delay } from 'node:timers/promises';
import { fetchStatus } from '../control/fetch-status.ts';
import { ExitCode, hasCode, messageOf, ProtectNetworkError } from '../model/errors.ts';
import { findControlSocket } from './control-socket.ts';
import { blocks, shades } from './history-bar.ts';
import { isData, printData } from './listing.ts';
import { painter } from './paint.ts';
import type { Snapshot } from './rates.ts';
import { onScreen, type Screen } from './screen.ts';
import { asText, type StatusOptions } from './status.ts';
import { print, standardOutput, warn } from './terminal.ts';
import { initialState, pressed, shownZones } from './top-state.ts';
import { topLines } from './top-text.ts';
import { watchedAfter } from './top-watched.ts';
import { localTime } from './units.ts';

const everyMs = 1000;

/** A daemon that does not answer at first is an error; one that goes away is waited for. Without a terminal, a report a second. */
export async function watchStatus(settingsPath: string, options: StatusOptions): Promise<ExitCode> {
  const { format } = options;
  if (format === 'name' || !options.hasHeaders)
    throw new ProtectNetworkError('usage', '--watch does not go with --output name or --no-headers');
  const socket = await findControlSocket(settingsPath);
  const first = await look(socket);
  const { isTerminal, isDumb } = standardOutput(options.noColor);
  if (isTerminal && !isDumb && !isData(format)) return onTerminal(socket, first, options);
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

async function onTerminal(socket: string, first: Snapshot, options: StatusOptions): Promise<ExitCode> {
  let state = initialState;
  let watched = watchedAfter(undefined, undefined, first, Date.now());
  const quit = new AbortController();
  let screen: Screen | undefined;
  const draw = () => {
    const { width, rows, hasColour, isLinuxConsole } = standardOutput(options.noColor);
    const bars = isLinuxConsole ? shades : blocks;
    const now = state.isPaused ? watched.readAt : Date.now();
    screen?.draw(topLines(watched, state, { now, width, rows, paint: painter(hasColour), bars }));
  };
  const key = (name: string) => {
    const { status, rates } = watched;
    const zones = typeof status === 'string' ? [] : shownZones(status.zones, state, rates);
    const { rows } = standardOutput(options.noColor);
    state = pressed(state, name, zones, Math.max(1, Math.floor(rows / 2)));
    if (state.isEnded) quit.abort();
    else draw();
  };
  const use = async (given: Screen) => {
    screen = given;
    const signal = AbortSignal.any([given.ended, quit.signal]);
    const aborted = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
    let before: Snapshot | undefined = first;
    for (draw(); !(await isAborted(everyMs, signal)); draw()) {
      if (state.isPaused) {
        before = undefined;
        continue;
      }
      const current = await Promise.race([lookAgain(socket), aborted]);
      if (current === undefined) return;
      // The key may have come while the daemon was asked.
      if (state.isPaused) continue;
      watched = watchedAfter(watched, before, current, Date.now());
      before = typeof current === 'string' ? undefined : current;
    }
  };
  await onScreen(use, { key, redraw: draw });
  return ExitCode.ok;
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
