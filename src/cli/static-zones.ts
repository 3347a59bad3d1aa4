/** What the static directory says, and what of it counts, by the rules the daemon applies. */
import type { Subnets } from '../config/subnet.ts';
import { readStaticZones } from '../directories/static/edit.ts';
import type { ZoneEntry } from '../directories/zone-entry.ts';
import { judgeClaims } from '../lifecycle/claims.ts';
import type { LinkName } from '../model/link-name.ts';

export interface StaticZones {
  readonly entries: readonly ZoneEntry[];
  /** Files and directories that cannot be used, one sentence each. */
  readonly problems: readonly string[];
  /** Why an entry does not count. */
  readonly refused: ReadonlyMap<LinkName, string>;
}

/** Throws where the directory is there and cannot be read. */
export async function readJudgedZones(directory: string, subnets: Subnets): Promise<StaticZones> {
  const { entries, problems } = await readStaticZones(directory);
  return { entries, problems, refused: judgeEntries(entries, subnets) };
}

/** Judged as if every link were on this host and no other directory knew any. Of two with an address, the first has it. */
function judgeEntries(entries: readonly ZoneEntry[], subnets: Subnets): ReadonlyMap<LinkName, string> {
  const snapshot = { state: 'answered', entries, problems: [], detail: '', since: 0 } as const;
  const links = new Set(entries.map(({ link }) => link));
  const directories = [{ name: 'static' as const, snapshot }];
  const { refused } = judgeClaims({ directories, subnets, links, holders: new Map(), served: [] });
  return new Map([...refused].map(([link, { reason }]) => [link, reason]));
}
