/** The zones of `status` alone, as scripts want them. */
import type { Status } from '../control/status.ts';
import { printNames, printTable } from './listing.ts';
import { painter } from './paint.ts';
import { zoneTable } from './status-zones.ts';
import { printable } from './terminal.ts';

export function printLinks({ zones }: Status): Promise<void> {
  return printNames(zones.map(({ link }) => link));
}

/** Rows without titles; every column where `width` is infinite. */
export function printZoneRows({ zones, forwarder }: Status, width: number): Promise<void> {
  const paint = painter(false);
  const lines = zoneTable({ zones, hasPolicies: forwarder !== null, rates: undefined, now: Date.now(), width, paint });
  return printTable(lines.map(printable), false, zones.length === 0 ? '' : undefined);
}
