/** How commands print what they found: for people, or as scripts want it. */
import { ProtectNetworkError } from '../model/errors.ts';
import type { Arguments, Option } from './command.ts';
import { print, printable, standardOutput } from './terminal.ts';

export type DataFormat = 'json' | 'yaml';
/** `wide`: every column, however narrow the terminal; `name`: names alone, a line each. */
export type Format = 'text' | 'wide' | 'name' | DataFormat;

/** Of a command that prints one thing; `json` is the help on `--json`. */
export function dataOptions(json: string): Record<string, Option> {
  return {
    json: { help: json },
    output: { short: 'o', value: 'FORMAT', values: ['json', 'yaml'], help: 'json, or the same as yaml' },
  };
}

/** Of a command that prints a table; `names` says what `name` prints, where its rows have one. */
export function listOptions(json: string, names?: string): Record<string, Option> {
  const help = 'json, the same as yaml, or wide (every column)';
  return {
    json: { help: json },
    output: {
      short: 'o',
      value: 'FORMAT',
      values: ['json', 'yaml', 'wide', ...(names === undefined ? [] : ['name'])],
      help: names === undefined ? help : `json, the same as yaml, wide (every column), or name (${names})`,
    },
    'no-headers': { help: 'print the rows of the table alone' },
  };
}

/** Throws `usage` where `--json` and `--output` say different things. */
export function formatOf(args: Arguments): Format {
  const format = args.text('output') as Format | undefined;
  if (args.has('json') && format !== undefined && format !== 'json')
    throw new ProtectNetworkError('usage', `--json and --output ${format} contradict each other`);
  return format ?? (args.has('json') ? 'json' : 'text');
}

export function dataFormatOf(args: Arguments): DataFormat | undefined {
  const format = formatOf(args);
  return isData(format) ? format : undefined;
}

/** Of a command that prints what happens as it does: lines, or lines of JSON. Throws `usage` for what only a list can be. */
export function followsAsJson(args: Arguments): boolean {
  const format = formatOf(args);
  if ((format === 'text' || format === 'json') && !args.has('no-headers')) return format === 'json';
  throw new ProtectNetworkError('usage', '-f prints lines, or with --json lines of JSON; other formats are for a list');
}

export function isData(format: Format): format is DataFormat {
  return format === 'json' || format === 'yaml';
}

/** Both say the same: what JSON leaves out, YAML does, too. */
export async function printData(value: unknown, format: DataFormat): Promise<void> {
  const text = JSON.stringify(value, null, 2);
  if (format === 'json') return print(`${text}\n`);
  const { dump } = await import('js-yaml');
  return print(dump(JSON.parse(text), { lineWidth: -1, noRefs: true }));
}

/** Columns that a table may take. */
export function widthOf({ format, noColor }: { readonly format: Format; readonly noColor: boolean }): number {
  return format === 'wide' ? Number.POSITIVE_INFINITY : standardOutput(noColor).width;
}

export function printNames(names: readonly string[]): Promise<void> {
  return print(names.map((name) => `${printable(name)}\n`).join(''));
}

/** `lines`: of a table, the titles first. Nothing of an empty one without titles but the words for people, `none`. */
export function printTable(lines: readonly string[], hasHeaders: boolean, none?: string): Promise<void> {
  if (none !== undefined) return print(hasHeaders ? `${none}\n` : '');
  return print(`${lines.slice(hasHeaders ? 0 : 1).join('\n')}\n`);
}
