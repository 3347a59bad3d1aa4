/** Findings as people read them: what must be fixed first. Pure; colour and width are the caller's. */
import type { Finding, Level } from './finding.ts';

export interface TextView {
  /** Paints a piece by its level, or leaves it alone. */
  paint(level: Level, text: string): string;
  /** Breaks prose into lines that begin with `first`, and then with as many spaces. */
  wrap(text: string, first: string): string[];
}

const words: Record<Level, string> = { bad: 'BAD', warning: 'WARNING', ok: 'ok' };
const order: readonly Level[] = ['bad', 'warning', 'ok'];
const column = 'WARNING  '.length;

/** Of one check and level; thousands of zones may all have the same trouble. */
const mostAlike = 50;

export function findingLines(findings: readonly Finding[], view: TextView): string[] {
  const of = (level: Level) => shortened(findings.filter((finding) => finding.level === level));
  return [
    ...order.flatMap((level) => of(level).flatMap((finding) => linesOf(finding, view))),
    '',
    summary(findings, view),
  ];
}

function shortened(findings: readonly Finding[]): Finding[] {
  const counts = new Map<string, number>();
  return findings.flatMap((finding) => {
    const count = (counts.get(finding.check) ?? 0) + 1;
    counts.set(finding.check, count);
    if (count <= mostAlike) return [finding];
    if (count > mostAlike + 1) return [];
    const more = findings.filter(({ check }) => check === finding.check).length - mostAlike;
    return [{ ...finding, what: `and ${more} more about ${finding.check}; --json has them all`, why: null, fix: null }];
  });
}

function linesOf({ level, what, why, fix }: Finding, { paint, wrap }: TextView): string[] {
  const [head = '', ...rest] = what.split('\n').flatMap((line) => wrap(line, ' '.repeat(column)));
  const word = paint(level, words[level].padEnd(column));
  return [
    `${word}${head.slice(column)}`,
    ...rest,
    ...(why === null ? [] : wrap(why, `${' '.repeat(column)}why  `)),
    // Never broken: it is there to be copied.
    ...(fix === null ? [] : [`${' '.repeat(column)}do   ${paint('ok', fix)}`, '']),
  ];
}

function summary(findings: readonly Finding[], { paint }: TextView): string {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length;
  const [bad, warnings] = [count('bad'), count('warning')];
  const told = warnings === 0 ? '' : `, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`;
  if (bad === 0) return paint('ok', `nothing to fix${told}`);
  return paint('bad', `${bad} ${bad === 1 ? 'thing' : 'things'} to fix${told}`);
}
