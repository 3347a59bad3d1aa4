/** `protect-network status --check` and `--wait`: the verdict alone, as a line and an exit code. */
import { setTimeout as delay } from 'node:timers/promises';
import { fetchStatus } from '../control/fetch-status.ts';
import type { Status } from '../control/status.ts';
import { causesOf } from '../control/verdict.ts';
import { ExitCode, hasCode, ProtectNetworkError } from '../model/errors.ts';
import { findControlSocket } from './control-socket.ts';
import { type DataFormat, printData } from './listing.ts';
import { print, printable, warn } from './terminal.ts';
import { duration, plural } from './units.ts';

export interface VerdictOptions {
  readonly data: DataFormat | undefined;
}

export interface VerdictArguments extends VerdictOptions {
  /** Of --wait. */
  readonly wanted: string | undefined;
  readonly timeout: string | undefined;
  readonly watch: boolean;
}

/** Throws `usage` for options that do not go together. */
export function verdictOf(settingsPath: string, { wanted, timeout, watch, data }: VerdictArguments): Promise<ExitCode> {
  if (watch) throw new ProtectNetworkError('usage', '--watch does not go with --check or --wait');
  if (wanted === undefined && timeout !== undefined) throw new ProtectNetworkError('usage', '--timeout needs --wait');
  if (wanted === undefined) return checkStatus(settingsPath, { data });
  return waitForReady(settingsPath, parseDuration(timeout ?? '30s'), { data });
}

const everyMs = 200;
/** More would be a log, not a line. */
const maxCauses = 3;

/** Prints one line, whatever happens, as monitoring wants it. */
async function checkStatus(settingsPath: string, options: VerdictOptions): Promise<ExitCode> {
  try {
    return await tell(await fetchStatus(await findControlSocket(settingsPath)), options);
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    await print(`${oneLine(`protect-network unknown - ${error.message}`)}\n`);
    return error.exitCode;
  }
}

/** Polls until everything is ready. Throws `unreachable` and its like where no daemon has answered by the deadline. */
async function waitForReady(settingsPath: string, timeoutMs: number, options: VerdictOptions): Promise<ExitCode> {
  const socket = await findControlSocket(settingsPath);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = deadline - performance.now();
    const last = await look(socket, Math.max(1, Math.ceil(leftMs)));
    const isLast = performance.now() + everyMs >= deadline;
    if (!(last instanceof Error) && missing(last).length === 0) return tell(last, options);
    if (isLast && last instanceof Error) throw last;
    if (isLast && !(last instanceof Error)) {
      warn(`not ready after ${duration(timeoutMs)}: ${missing(last).join('; ')}`);
      return ExitCode.failed;
    }
    await delay(everyMs);
  }
}

/** Milliseconds of `30s`, `2m`, `1h`. Throws `usage` for anything else. */
function parseDuration(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6})(s|m|h)$/.exec(text) ?? [];
  const factors: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };
  const factor = factors[unit];
  if (factor !== undefined) return Number(number) * factor;
  throw new ProtectNetworkError('usage', `--timeout is '${text}'; expected a time such as 30s, 2m or 1h`);
}

async function look(socket: string, limitMs: number): Promise<Status | ProtectNetworkError> {
  try {
    return await fetchStatus(socket, Math.min(limitMs, 10_000));
  } catch (error) {
    if (hasCode(error, 'unreachable', 'timeout') && error instanceof ProtectNetworkError) return error;
    throw error;
  }
}

/** What keeps it from ready, or may: a directory that has not answered may know zones that nobody else does. */
function missing(status: Status): string[] {
  const { zones, directories } = status;
  return [
    ...causesOf(status).map(({ what }) => what),
    ...zones.filter(({ state }) => state === 'opening').map(({ link }) => `${link} is being set up`),
    ...directories
      .filter(({ state }) => state === 'waiting')
      .map(({ name, detail }) => `zone directory ${name} has not answered: ${detail}`),
  ];
}

async function tell(status: Status, { data }: VerdictOptions): Promise<ExitCode> {
  if (data === undefined) await print(`${verdictLine(status)}\n`);
  else await printData(status, data);
  return status.state === 'ready' ? ExitCode.ok : ExitCode.failed;
}

/** As a plugin of Nagios prints it: what is wrong, and figures behind a bar. */
export function verdictLine(status: Status): string {
  const { state, zones, failures, faults, warnings } = status;
  const ready = zones.filter((zone) => zone.state === 'ready').length;
  const grave = faults.filter(({ level }) => level === 'bad').length;
  const causes = causesOf(status).map(({ what }) => what);
  const shown = [
    ...causes.slice(0, maxCauses),
    ...(causes.length > maxCauses ? [`and ${causes.length - maxCauses} more`] : []),
  ];
  const why = state === 'ready' ? '' : `: ${shown.join('; ')}`;
  const figures = `zones=${zones.length} ready=${ready} failures=${failures.length + grave} warnings=${warnings.length - grave}`;
  const text = `protect-network ${state} - ${plural(zones.length, 'link')}, ${ready} ready${why}`;
  return `${oneLine(text)} | ${figures}`;
}

function oneLine(text: string): string {
  return printable(text).replaceAll(/\s+/g, ' ').replaceAll('|', '/');
}
