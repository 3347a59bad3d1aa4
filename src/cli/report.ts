/** `protect-network report`: everything that somebody needs who is to help, in one file that stays on this host. */
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { ConfigPaths } from '../config/config.ts';
import { loadSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import { defaultSettings } from '../config/settings-schema.ts';
import { fetchStatus } from '../control/fetch-status.ts';
import type { Status } from '../control/status.ts';
import { readStaticZones } from '../directories/static/edit.ts';
import { createProbe } from '../host/index.ts';
import { ExitCode, messageOf, ProtectNetworkError } from '../model/errors.ts';
import { archive, writeNewFile } from '../report/archive.ts';
import { type Gathered, gather } from '../report/gather.ts';
import { partsOf } from '../report/parts.ts';
import { loggedUnits } from './logs.ts';
import { painter } from './paint.ts';
import { table } from './table.ts';
import { print, printable, warn } from './terminal.ts';
import { bytes, plural } from './units.ts';
import { version } from './version.ts';

export interface ReportOptions {
  /** A file, or a directory to put it in; undefined: the current one. */
  readonly output: string | undefined;
  readonly redact: boolean;
}

/** Processors are the zones' as well: a report is no reason to take them all. */
const atOnce = 3;
const statusLimit = 5_000;

export async function makeReport(paths: ConfigPaths, options: ReportOptions): Promise<ExitCode> {
  if (process.geteuid?.() !== 0) throw new ProtectNetworkError('permission', 'a report reads what only root may read');
  const now = Date.now();
  const host = options.redact ? 'host' : fileNamePart(hostname());
  const name = `protect-network-report-${host}-${new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
  const path = pathOf(options.output, `${name}.tar.gz`);
  refuseInVain(path);
  const names = new Set<string>();
  const settings = settingsAt(paths.settings);
  const status = await statusAt(settings.control.socket);
  const gathered = await gather(
    partsOf({
      version,
      probe: createProbe(),
      settingsPath: paths.settings,
      options: ['--config', paths.config, '--settings', paths.settings],
      settings,
      units: loggedUnits,
      status,
      met: (met) => names.add(met),
    }),
    atOnce,
  );
  for (const each of await zoneNames(status, settings)) names.add(each);
  const redacted = options.redact ? await redact(gathered, names) : gathered;
  const contents = contentsOf(redacted, now, options.redact);
  await print(printable(contents));
  const files = redacted.flatMap(({ file, text }) => (text === undefined ? [] : [{ name: file, text: legible(text) }]));
  writeNewFile(path, await archive(name, [{ name: 'CONTENTS.txt', text: contents }, ...files], now));
  await print(`\nwritten: ${printable(path)}\n`);
  warn(
    options.redact
      ? 'it was sent nowhere; look into it before you pass it on: words in log lines and comments may still tell who you are'
      : 'it was sent nowhere; it holds addresses and names of zones, which --redact replaces',
  );
  return ExitCode.ok;
}

/** What is in it, and what is not and why. */
function contentsOf(gathered: readonly Gathered[], now: number, isRedacted: boolean): string {
  const column = (title: string, cells: readonly string[]) => ({ title, cells });
  const size = ({ text }: Gathered) => (text === undefined ? 'failed' : bytes(Buffer.byteLength(text)));
  const rows = table(
    [
      column(
        'FILE',
        gathered.map(({ file }) => file),
      ),
      { ...column('SIZE', gathered.map(size)), align: 'right' },
      column(
        'WHAT',
        gathered.map(({ what, problem }) => (problem === undefined ? what : `${what}: ${oneLine(problem)}`)),
      ),
    ],
    Number.POSITIVE_INFINITY,
    painter(false),
  );
  const failed = gathered.filter(({ text }) => text === undefined).length;
  return [
    `protect-network ${version}, ${new Date(now).toISOString()}`,
    ...(isRedacted
      ? ['Addresses, MAC addresses, UUIDs and names are replaced, each by the same pseudonym everywhere.']
      : []),
    '',
    ...rows,
    '',
    `${plural(gathered.length - failed, 'file')}${failed === 0 ? '' : `; ${plural(failed, 'part')} could not be read`}`,
    '',
  ].join('\n');
}

async function redact(gathered: readonly Gathered[], names: ReadonlySet<string>): Promise<Gathered[]> {
  const { Pseudonyms } = await import('../report/pseudonyms.ts');
  const pseudonyms = new Pseudonyms({ names, hostname: hostname(), key: randomBytes(32) });
  return gathered.map((each) => ({
    ...each,
    what: pseudonyms.in(each.what),
    text: each.text && pseudonyms.in(each.text),
    problem: each.problem && pseudonyms.in(each.problem),
  }));
}

async function zoneNames(status: Status | undefined, { zones }: Settings): Promise<string[]> {
  const entries = await readStaticZones(zones.staticDir).then(
    ({ entries }) => entries,
    () => [],
  );
  return [...(status?.zones ?? []), ...entries].flatMap(({ name }) => name ?? []);
}

async function statusAt(socket: string): Promise<Status | undefined> {
  try {
    return await fetchStatus(socket, statusLimit);
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    warn(`${messageOf(error)}; the report is made without the daemon, and explains no zone`);
    return undefined;
  }
}

/** A broken file is no reason to give up: `check` tells of it in the report. */
function settingsAt(path: string): Settings {
  try {
    return loadSettings(path).settings;
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    return defaultSettings;
  }
}

function pathOf(output: string | undefined, name: string): string {
  if (output === undefined) return resolve(name);
  return statSync(output, { throwIfNoEntry: false })?.isDirectory() === true
    ? resolve(join(output, name))
    : resolve(output);
}

/** Before a minute's work: what `writeNewFile` would refuse in the end. */
function refuseInVain(path: string): void {
  if (existsSync(path)) throw new ProtectNetworkError('exists', `${path} exists; nothing was written`);
  const directory = dirname(path);
  if (!existsSync(directory)) throw new ProtectNetworkError('refused', `nothing was written: there is no ${directory}`);
}

function fileNamePart(text: string): string {
  return basename(text).replaceAll(/[^\w.-]/g, '_') || 'host';
}

/** Whoever reads it has a terminal, too; tabs are nft's. */
function legible(text: string): string {
  return text.split('\t').map(printable).join('\t');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, '; ');
}
