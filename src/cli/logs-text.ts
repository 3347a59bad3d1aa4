/** A log entry as people read it. Pure. */
import type { JournalEntry } from './journal-entry.ts';
import type { Paint, Tone } from './paint.ts';
import { printable } from './terminal.ts';
import { localTime } from './units.ts';

const levels = ['emerg', 'alert', 'crit', 'error', 'warning', 'notice', 'info', 'debug'] as const;
const unitWidth = 'protect-network'.length;
const levelWidth = 'warning'.length;

/** `time unit level message`; further lines of the message are indented by two. */
export function entryLines({ at, unit, priority, message }: JournalEntry, paint: Paint): string[] {
  const tone = toneOf(priority);
  const time = `${localTime(at)}.${String(at % 1000).padStart(3, '0')}`;
  const level = (levels[priority] ?? 'info').padEnd(levelWidth);
  const [first = '', ...rest] = printable(message).split('\n');
  const head = [
    paint('faint', time),
    paint(unit === 'protect-network' ? 'strong' : 'plain', printable(unit).padEnd(unitWidth)),
    paint(tone, level),
  ];
  return [`${head.join(' ')} ${paint(tone, first)}`, ...rest.map((line) => `  ${paint(tone, line)}`)];
}

function toneOf(priority: number): Tone {
  if (priority <= 3) return 'bad';
  if (priority === 4) return 'warning';
  return priority === 7 ? 'faint' : 'plain';
}
