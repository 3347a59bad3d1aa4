/** The kernel's tables that fill up with traffic. */
import type { Fill } from '../../host/port.ts';
import { families } from '../../model/address.ts';
import { bad, type Judgement, ok, warning } from '../finding.ts';
import { type Snapshot, zoneLinks } from '../host-snapshot.ts';

/** Above these shares of a table people should know, or act. */
const high = 0.75;
const nearlyFull = 0.9;

export function checkTables(snapshot: Snapshot): Judgement[] {
  return [
    ...judgeConnections(snapshot.connections),
    ...families.flatMap((family) => judgeNeighbours(snapshot, family)),
  ];
}

function judgeConnections(fill: Fill | undefined): Judgement[] {
  if (fill === undefined) return [];
  const what = `${fill.count} of ${fill.max} connections are tracked`;
  const why = 'when the table is full, new connections of every zone and of this host are dropped';
  const fix = `sysctl -w net/netfilter/nf_conntrack_max=${fill.max * 2}, and a file in /etc/sysctl.d`;
  return [judge(fill, what, why, fix)];
}

function judgeNeighbours(snapshot: Snapshot, family: (typeof families)[number]): Judgement[] {
  const fill = snapshot.neighbours.get(family);
  if (fill === undefined) return [];
  const name = `net/${family}/neigh/default/gc_thresh3`;
  const zones = zoneLinks(snapshot).length;
  const table = family === 'ipv4' ? 'ARP' : 'NDP';
  // Each zone takes one entry, and for a moment one for each address that it makes us look for.
  if (zones > fill.max * high) {
    const why = 'a zone without a neighbour entry has no network';
    return [
      bad(
        `there are ${zones} zone links, and the ${table} table has ${fill.max} entries (${name})`,
        why,
        `sysctl -w ${name}=${zones * 4}`,
      ),
    ];
  }
  const why = 'when the table is full, zones and routers become unreachable';
  return [
    judge(
      fill,
      `the ${table} table holds ${fill.count} of ${fill.max} entries`,
      why,
      `sysctl -w ${name}=${fill.max * 4}`,
    ),
  ];
}

function judge({ count, max }: Fill, what: string, why: string, fix: string): Judgement {
  if (count >= max * nearlyFull) return bad(what, why, fix);
  return count >= max * high ? warning(what, why, fix) : ok(what);
}
