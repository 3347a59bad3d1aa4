/** What a BIRD on this host says of itself, by its own `birdc`. */
import { z } from 'zod';
import type { BirdView } from './survey-port.ts';

export const birdQuestions = {
  protocols: ['show', 'protocols'],
  /** Ours, by their protocol number. */
  learned: ['show', 'route', 'where', 'krt_source = 75'],
  exported: (session: string) => ['show', 'route', 'export', session],
} as const;

/** BIRD's names of protocols, which its own questions take (a symbol of its configuration). */
const sessionName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/);

/** Of `show protocols`: `router1  BGP  ---  up  03:25:18.470  Established`. */
export function sessionsIn(text: string): BirdView['sessions'] {
  return text.split('\n').flatMap((line) => {
    const [, name, state, info = ''] = /^(\S+)\s+BGP\s+\S+\s+(\S+)\s+\S+\s*(.*)$/.exec(line) ?? [];
    const parsed = sessionName.safeParse(name);
    if (!parsed.success) return [];
    return [{ name: parsed.data, isUp: state === 'up' && info.startsWith('Established'), detail: info.trim() }];
  });
}

/** Of `show route`: the destinations, each once; further ways to one stand on lines that begin with a space. */
export function destinationsIn(text: string): Set<string> {
  return new Set([...text.matchAll(/^([\da-f.:]+\/\d+)\s/gm)].map((match) => String(match[1])));
}
