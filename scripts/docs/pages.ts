/** The tables of docs/log.md and docs/doctor.md, made from the words of `src/words` and what is said of them here. Pure. */
import { type FaultWords, faults } from '../../src/words/faults.ts';
import { findings } from '../../src/words/findings.ts';
import { logMessages } from '../../src/words/log-messages.ts';
import { directoryWarnings, hostWarnings, reasons } from '../../src/words/warnings.ts';
import { findingMeanings } from './finding-meanings.ts';
import {
  directoryMeanings,
  faultMeanings,
  hostMeanings,
  logMeanings,
  type Meaning,
  reasonRemedies,
} from './log-meanings.ts';

type Row = readonly string[];

/** By page, as it is and as it should be. */
export const pages: Readonly<Record<string, (page: string) => string>> = {
  'docs/log.md': logPage,
  'docs/doctor.md': doctorPage,
};

function logPage(page: string): string {
  const levels = { debug: 'debug', info: 'info', warn: 'warning', error: 'error' };
  const lines = entriesOf(logMessages).map(([key, { level, words }]) => [
    levels[level],
    shown(words),
    ...logMeanings[key],
  ]);
  const host: Row[] = [
    ...entriesOf(hostWarnings).map(([key, words]) => [shown(words), ...hostMeanings[key]]),
    ...entriesOf(faults).map(([key, words]) => [shown(sentenceOf(words)), ...faultMeanings[key]]),
  ];
  const entries = entriesOf(directoryWarnings).map(([key, words]) => [shown(words), ...directoryMeanings[key]]);
  const why = entriesOf(reasons).map(([key, words]) => [shown(words), reasonRemedies[key]]);
  const tables: Readonly<Record<string, readonly Row[]>> = {
    'What the daemon does': lines,
    'Warnings about the host': host,
    'Entries of zone directories': entries,
    'Why a link has no network': why,
  };
  return Object.entries(tables).reduce((text, [title, rows]) => withRows(text, title, rows), page);
}

function doctorPage(page: string): string {
  return Object.entries(findings).reduce((text, [check, words]) => {
    const meanings: Readonly<Record<string, Meaning>> = { ...faultMeanings, ...findingMeanings[check as 'user'] };
    const rows = entriesOf<Readonly<Record<string, FaultWords>>>(words).map(([key, { level, what }]) => {
      const label = level.replaceAll(/bad|warning/g, (each) => each.toUpperCase());
      return [label, shown(what), ...(meanings[key] ?? [])];
    });
    return withRows(text, check, rows);
  }, page);
}

function sentenceOf({ what, why, fix }: FaultWords): string {
  const command = fix === undefined ? '{command}' : fix;
  return `${what}${why === undefined ? '' : `: ${why}`}${command === null ? '' : `; fix: ${command}`}`;
}

/** Gaps in capitals: `{n2}` is `N`. */
function shown(words: string): string {
  const text = words.replaceAll(/\{([a-z]+)\d*\}/g, (_, name: string) => name.toUpperCase());
  return `\`${text.replaceAll('\n', '⏎')}\``;
}

/** The rows of the first table below that heading replaced; its head stays. */
function withRows(page: string, title: string, rows: readonly Row[]): string {
  const table = new RegExp(`(^## ${title}\\n(?:(?!## ).*\\n)*?\\|.*\\n\\| ---.*\\n)(?:\\|.*\\n)*`, 'm');
  if (!table.test(page)) throw new Error(`no table below "## ${title}"`);
  return page.replace(
    table,
    (_, head: string) => `${head}${rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('')}`,
  );
}

function entriesOf<T extends object>(table: T): [keyof T, T[keyof T]][] {
  return Object.entries(table) as [keyof T, T[keyof T]][];
}
