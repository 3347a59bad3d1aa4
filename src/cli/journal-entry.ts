/** An entry of the journal, from a line that `journalctl -o json` printed (journalctl(1), systemd.journal-fields(7)). Pure. */
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { syslogLevel } from './log-line.ts';

export interface JournalEntry {
  /** Unix milliseconds. */
  readonly at: number;
  readonly cursor: string;
  /** Without `.service`. */
  readonly unit: string;
  /** 0 to 7, as syslog(3) has them. */
  readonly priority: number;
  readonly message: string;
  /** Of the zones that the entry's own fields name: their links and names. */
  readonly zones: readonly string[];
}

const bytes = z.array(z.number().int().min(0).max(255)).transform((list) => Buffer.from(list).toString('utf8'));
/** A text; the bytes of one that is no UTF-8 or would steer a terminal; null for one that is too long; or several of these. */
const single = z.union([z.string(), bytes, z.null()]);
const field = z.union([single, z.array(single).transform(([first]) => first ?? null)]);

/** One value, or several, each of which counts. */
const names = z
  .union([single.transform((value) => [value]), z.array(single)])
  .optional()
  .catch(undefined);

const entrySchema = z.object({
  __REALTIME_TIMESTAMP: z.string().regex(/^\d{1,17}$/),
  __CURSOR: z.string().max(1024),
  MESSAGE: field.optional(),
  PRIORITY: z
    .string()
    .regex(/^[0-7]$/)
    .default('6')
    .catch('6'),
  _SYSTEMD_UNIT: z.string().optional().catch(undefined),
  /** What systemd itself says is about this unit. */
  UNIT: z.string().optional().catch(undefined),
  PROTECT_NETWORK_LINK: names,
  PROTECT_NETWORK_ZONE: names,
});
/** What `run --log-format json` writes. */
const pinoSchema = z.object({
  level: z.number(),
  msg: z.string(),
  link: z.string().optional().catch(undefined),
  zone: z.string().optional().catch(undefined),
});

/** Undefined for a line that is no entry. */
export function parseEntry(line: string): JournalEntry | undefined {
  const parsed = entrySchema.safeParse(jsonOf(line));
  if (!parsed.success) return undefined;
  const { __REALTIME_TIMESTAMP: microseconds, __CURSOR: cursor, MESSAGE, PRIORITY, _SYSTEMD_UNIT, UNIT } = parsed.data;
  const text = MESSAGE === null ? '(a message too long to show)' : (MESSAGE ?? '');
  const { PROTECT_NETWORK_LINK: links = [], PROTECT_NETWORK_ZONE: zones = [] } = parsed.data;
  const own = pinoSchema.safeParse(jsonOf(text));
  return {
    at: Math.floor(Number(microseconds) / 1000),
    cursor,
    unit: (UNIT ?? _SYSTEMD_UNIT ?? 'unknown').replace(/\.service$/, ''),
    priority: own.success ? syslogLevel(own.data.level) : Number(PRIORITY),
    // Colours are for the terminal that the daemon does not have.
    zones: [...links, ...zones, own.data?.link, own.data?.zone].filter((name) => typeof name === 'string'),
    message: stripVTControlCharacters(own.success ? own.data.msg : text).trimEnd(),
  };
}

function jsonOf(text: string): unknown {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Whoever asks says that it does not fit.
    return undefined;
  }
}
