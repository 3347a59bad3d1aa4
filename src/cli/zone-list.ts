/** `protect-network zone list`. */
import { join } from 'node:path';
import { type ConfigPaths, loadConfig } from '../config/config.ts';
import { fetchStatus } from '../control/fetch-status.ts';
import type { ZoneState } from '../control/status.ts';
import { misnamedFiles } from '../directories/static/edit.ts';
import { linkNames } from '../host/link-names.ts';
import { ExitCode, messageOf, ProtectNetworkError } from '../model/errors.ts';
import type { LinkName } from '../model/link-name.ts';
import { type Format, isData, printData, printNames, printTable, widthOf } from './listing.ts';
import { painter } from './paint.ts';
import { readJudgedZones } from './static-zones.ts';
import { table } from './table.ts';
import { printable, warn } from './terminal.ts';

export interface ListOptions {
  readonly format: Format;
  readonly hasHeaders: boolean;
}

/** Undefined where the link is there, and the daemon does not say what it makes of it. */
type State = ZoneState | 'no link' | undefined;

export async function listZones(paths: ConfigPaths, { format, hasHeaders }: ListOptions): Promise<ExitCode> {
  const { subnets, settings } = loadConfig(paths);
  const directory = settings.zones.staticDir;
  const { entries, problems, refused } = await readJudgedZones(directory, subnets);
  const { stateOf, unknown } = await states(settings.control.socket);
  const zones = entries.map(({ link, addresses, name, origin }) => {
    const state = stateOf(link) ?? null;
    return { link, addresses, name: name ?? null, state, file: origin, problem: refused.get(link) ?? null };
  });
  const misnamed = misnamedFiles(directory).map((file) => `${join(directory, file)} is not read: expected LINK.toml`);
  if (isData(format)) {
    await printData({ directory, zones, problems: [...problems, ...misnamed] }, format);
    return ExitCode.ok;
  }
  if (format === 'name') {
    await printNames(zones.map(({ link }) => link));
    return ExitCode.ok;
  }
  const lines = table(
    [
      { title: 'LINK', cells: zones.map(({ link }) => link) },
      { title: 'NAME', dispensable: 2, cells: zones.map(({ name }) => printable(name ?? '')) },
      { title: 'STATE', dispensable: 1, cells: zones.map(({ state }) => state ?? '?') },
      { title: 'ADDRESSES', cells: zones.map(({ addresses }) => addresses.join(' ')) },
      { title: 'FILE', dispensable: 3, cells: zones.map(({ file }) => printable(file)) },
    ],
    widthOf({ format, noColor: true }),
    painter(false),
  );
  await printTable(lines, hasHeaders, zones.length === 0 ? `no zone in ${directory}` : undefined);
  for (const { file, problem } of zones) if (problem !== null) warn(`${file}: ${problem}`);
  for (const problem of [...problems, ...misnamed]) warn(problem);
  if (unknown !== undefined && zones.some(({ state }) => state === null)) warn(`STATE is not known: ${unknown}`);
  return ExitCode.ok;
}

/** `unknown`: why the daemon does not say. */
async function states(socket: string): Promise<{ stateOf: (link: LinkName) => State; unknown: string | undefined }> {
  const names = linkNames();
  try {
    const { zones } = await fetchStatus(socket);
    const known = new Map(zones.map(({ link, state }) => [link, state]));
    return { stateOf: (link) => known.get(link) ?? (names.has(link) ? undefined : 'no link'), unknown: undefined };
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    return { stateOf: (link) => (names.has(link) ? undefined : 'no link'), unknown: messageOf(error) };
  }
}
