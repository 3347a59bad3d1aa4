import { say } from '../../words/say.ts';
import { directoryWarnings } from '../../words/warnings.ts';
import type { DirectorySnapshot } from '../zone-directory.ts';
import type { DomainReading } from './domain.ts';

/** The most problems shown one by one. */
const maxProblems = 100;

/** The snapshot of `readings`, by domain id; `since` carries over while the state stays. */
export function buildSnapshot(
  before: DirectorySnapshot,
  now: Pick<DirectorySnapshot, 'state' | 'detail'>,
  readings: ReadonlyMap<number, DomainReading>,
  listProblems: readonly string[],
): DirectorySnapshot {
  const ordered = [...readings].sort(([a], [b]) => a - b).map(([, reading]) => reading);
  return {
    ...now,
    entries: ordered.flatMap(({ entries }) => entries),
    problems: bounded([...new Set([...listProblems, ...ordered.flatMap(({ problems }) => problems)])]),
    since: before.state === now.state ? before.since : Date.now(),
  };
}

export function sameReading(a: DomainReading | undefined, b: DomainReading | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function bounded(problems: readonly string[]): string[] {
  if (problems.length <= maxProblems) return [...problems];
  return [
    ...problems.slice(0, maxProblems),
    say(directoryWarnings.moreInXenstore, { n: problems.length - maxProblems }),
  ];
}
