/** `protect-network zone list`. */
import { type ConfigPaths, loadConfig } from '../config/config.ts';
import { ExitCode } from '../model/errors.ts';
import { painter } from './paint.ts';
import { readJudgedZones } from './static-zones.ts';
import { table } from './table.ts';
import { print, printable, standardOutput, warn } from './terminal.ts';

export async function listZones(paths: ConfigPaths, { json }: { json: boolean }): Promise<ExitCode> {
  const { subnets, settings } = loadConfig(paths);
  const directory = settings.zones.staticDir;
  const { entries, problems, refused } = await readJudgedZones(directory, subnets);
  const zones = entries.map(({ link, addresses, name, origin }) => {
    return { link, addresses, name: name ?? null, file: origin, problem: refused.get(link) ?? null };
  });
  if (json) {
    await print(`${JSON.stringify({ directory, zones, problems }, null, 2)}\n`);
    return ExitCode.ok;
  }
  const lines = table(
    [
      { title: 'LINK', cells: zones.map(({ link }) => link) },
      { title: 'NAME', dispensable: 2, cells: zones.map(({ name }) => printable(name ?? '')) },
      { title: 'ADDRESSES', cells: zones.map(({ addresses }) => addresses.join(' ')) },
      { title: 'FILE', dispensable: 1, cells: zones.map(({ file }) => printable(file)) },
    ],
    standardOutput(true).width,
    painter(false),
  );
  await print(zones.length === 0 ? `no zone in ${directory}\n` : `${lines.join('\n')}\n`);
  for (const { file, problem } of zones) if (problem !== null) warn(`${file}: ${problem}`);
  for (const problem of problems) warn(problem);
  return ExitCode.ok;
}
