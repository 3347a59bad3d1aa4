/** What tc does at a link's clsact and ingress qdiscs. Read through tc: the options of each kind of filter are its own. */
import { z } from 'zod';
import { hasCode, ProtectNetworkError } from '../model/errors.ts';
import type { Tools } from './tools.ts';

/** A filter that can end or divert a packet; those that only classify are left out. */
export interface TrafficFilter {
  readonly direction: 'ingress' | 'egress';
  /** `all`, `ip`, `ipv6`, `arp` … */
  readonly protocol: string;
  /** `bpf`, `flower` …, with its preference. */
  readonly name: string;
}

const filters = z.array(
  z.object({
    parent: z.string().optional(),
    protocol: z.string(),
    pref: z.number(),
    kind: z.string(),
    options: z.record(z.string(), z.unknown()).default({}),
  }),
);

/** Undefined where tc is not installed. */
export async function listFilters(tools: Tools, link: string): Promise<TrafficFilter[] | undefined> {
  try {
    return [...(await listTowards(tools, link, 'ingress')), ...(await listTowards(tools, link, 'egress'))];
  } catch (error) {
    if (hasCode(error, 'tool-missing')) return undefined;
    throw error;
  }
}

async function listTowards(
  tools: Tools,
  link: string,
  direction: TrafficFilter['direction'],
): Promise<TrafficFilter[]> {
  const { exitCode, stdout } = await tools.run('tc', ['-json', 'filter', 'show', 'dev', link, direction]);
  // A link that has gone meanwhile has none.
  if (exitCode !== 0 || stdout.trim() === '') return [];
  return parse(stdout).flatMap(({ parent, protocol, pref, kind, options }) => {
    // An ingress qdisc shows its filters whatever is asked for.
    const isHere = direction === 'ingress' || parent === undefined;
    const acts = options['direct-action'] === true || JSON.stringify(options).includes('"actions"');
    return isHere && acts ? [{ direction, protocol, name: `${kind} (pref ${pref})` }] : [];
  });
}

function parse(json: string): z.infer<typeof filters> {
  try {
    return filters.parse(JSON.parse(json));
  } catch (cause) {
    throw new ProtectNetworkError('garbled', 'tc filter show printed something else than a list of filters', { cause });
  }
}
