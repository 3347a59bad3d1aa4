/**
 * The filter tables of iptables-legacy, which nft does not list. The kernel announces no change of theirs to netlink, so they
 * are read with everything else. They are read only where they exist: to list one that does not would make it.
 */
import type { Family } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import type { LegacyFilter } from './port.ts';
import { readIfThere } from './read-if-there.ts';
import type { ToolName, Tools } from './tools.ts';

/** The tables of the network namespace of whoever opens it; no such file without the old tables in the kernel. */
const namesFile: Record<Family, string> = { ipv4: '/proc/net/ip_tables_names', ipv6: '/proc/net/ip6_tables_names' };
export const legacySaveTool: Record<Family, ToolName> = { ipv4: 'iptables-legacy-save', ipv6: 'ip6tables-legacy-save' };

/** Never throws for a table that is there and cannot be read: people must be told of it all the same. */
export async function readLegacyFilter(tools: Tools, family: Family): Promise<LegacyFilter> {
  if (!legacyTables(family).includes('filter')) return { kind: 'none' };
  try {
    const { exitCode, stdout, stderr } = await tools.run(legacySaveTool[family], ['-t', 'filter']);
    if (exitCode === 0) return { kind: 'rules', lines: stdout.split('\n') };
    return { kind: 'unreadable', reason: `${legacySaveTool[family]}: ${stderr.trim()}` };
  } catch (error) {
    if (error instanceof ProtectNetworkError) return { kind: 'unreadable', reason: error.message };
    throw error;
  }
}

/** Those that exist. To be asked first: a tool that is asked about a table loads its module, and so makes it. */
export function legacyTables(family: Family): string[] {
  return namesIn(namesFile[family]);
}

/** The same for ARP, whose only table is `filter`. */
export function hasLegacyArp(): boolean {
  return namesIn('/proc/net/arp_tables_names').length > 0;
}

function namesIn(path: string): string[] {
  return (readIfThere(path) ?? '').split('\n').filter((name) => name.trim() !== '');
}
