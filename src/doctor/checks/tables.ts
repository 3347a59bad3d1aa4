/** The kernel's tables that fill up with traffic. */
import type { Fill } from '../../host/port.ts';
import { families } from '../../model/address.ts';
import type { Fault, FaultLevel } from '../../model/fault.ts';
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
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
  const fix = `sysctl -w net/netfilter/nf_conntrack_max=${fill.max * 2}, and a file in /etc/sysctl.d`;
  return [judge(fill, (level) => fault(findings.tables.connections, { n: fill.count, n2: fill.max }, level, fix))];
}

function judgeNeighbours(snapshot: Snapshot, family: (typeof families)[number]): Judgement[] {
  const fill = snapshot.neighbours.get(family);
  if (fill === undefined) return [];
  const name = `net/${family}/neigh/default/gc_thresh3`;
  const zones = zoneLinks(snapshot).length;
  const table = family === 'ipv4' ? 'ARP' : 'NDP';
  // Each zone takes one entry, and for a moment one for each address that it makes us look for.
  if (zones > fill.max * high)
    return [fault(findings.tables.tooManyZones, { n: zones, table, n2: fill.max, sysctl: name, wanted: zones * 4 })];
  const gaps = { table, n: fill.count, n2: fill.max };
  const fix = `sysctl -w ${name}=${fill.max * 4}`;
  return [judge(fill, (level) => fault(findings.tables.neighbours, gaps, level, fix))];
}

function judge({ count, max }: Fill, found: (level: FaultLevel) => Fault): Judgement {
  if (count >= max * nearlyFull) return found('bad');
  return count >= max * high ? found('warning') : ok(found('warning').what);
}
