/** What must be true of a host before anything is begun, with one clear sentence for each that is not. */
import type { NftCommand } from '../host/nft-command.ts';
import type { Nft } from '../host/port.ts';
import { parseAddress, parsePrefix, prefixesOf } from '../model/address.ts';
import { hasCode, ProtectNetworkError } from '../model/errors.ts';
import type { LayoutSettings } from './layout-model.ts';
import { planRuleset } from './plan.ts';

/** Everything that settings can ask for, but for what has the kernel track connections, as a limit of them does. */
const fullLayout: LayoutSettings = {
  subnets: { ipv4: parsePrefix('192.0.2.0/24'), ipv6: parsePrefix('2001:db8::/32') },
  uplinkInterfaces: [],
  masquerade: { ipv4: 'kernel', ipv6: 'kernel' },
  notMasqueraded: [],
  fleet: { prefixes: prefixesOf('198.51.100.0/24', '2001:db8::/32'), uplinks: ['eth0', 'eth1'] },
  guestsElsewhere: [],
  hostLinks: [{ name: 'vifbr0', kind: 'bridge' }],
  placement: 'auto',
  mark: 1,
  antiSpoof: true,
  denyZoneToZone: true,
  deniedMetadata: [],
  denyHost: true,
  egress: { resolverPort: 10_053 },
  published: [
    {
      ...{ address: undefined, transport: 'tcp', port: 1, to: 1, from: [] },
      zone: { ipv4: parseAddress('192.0.2.2'), ipv6: parseAddress('2001:db8::2') },
    },
  ],
  limits: [],
  share: undefined,
  gateways: { ipv4: parseAddress('192.0.2.1'), ipv6: parseAddress('2001:db8::1') },
};

/**
 * Throws `permission` without the right to change the network, `kernel-unsupported` without nf_tables, `tool-outdated` with
 * an nft that cannot say what we need, by a dry run of it.
 */
export async function requireNftables(nft: Nft): Promise<void> {
  const refusal = await tried(nft).catch((error: unknown) => {
    if (hasCode(error, 'permission')) {
      const words = 'this needs root, or CAP_NET_ADMIN: the kernel refuses to show its rules';
      throw new ProtectNetworkError('permission', words, { cause: error });
    }
    if (hasCode(error, 'kernel-unsupported')) {
      const words = 'this kernel has no nf_tables; load the module nf_tables or use a kernel with CONFIG_NF_TABLES';
      throw new ProtectNetworkError('kernel-unsupported', words, { cause: error });
    }
    throw error;
  });
  if (refusal === undefined) return;
  const advice = 'install nftables 1.0.6 or newer, or a kernel that has what it names';
  throw new ProtectNetworkError('tool-outdated', `nft cannot make our rules here (${refusal}); ${advice}`);
}

/** Where both fail the listing's error counts: what it says of nft's version does not depend on what is there. */
async function tried(nft: Nft): Promise<string | undefined> {
  const [listing, trial] = await Promise.allSettled([nft.tables(), nft.refusalOf(trialRun())]);
  if (listing.status === 'rejected') throw listing.reason;
  if (trial.status === 'rejected') throw trial.reason;
  return trial.value;
}

/**
 * The rules beside what is there. Without those that ask connection tracking: the kernel begins to track while it reads one,
 * a dry run as well, and would take for dom0's own what dom0 answers in that moment.
 */
function trialRun(): NftCommand[] {
  const commands = planRuleset(fullLayout, new Map(), { kind: 'all', zones: [], prune: false });
  return underOtherNames(
    commands.filter((command) => !('expr' in command && tracks.test(JSON.stringify(command.expr)))),
  );
}

const tracks = /"(?:ct|masquerade|snat)"/;

/** No object that is there may decide whether the kernel knows ours: the tables, or those of these names, are others. */
export function underOtherNames(commands: readonly NftCommand[], names?: ReadonlySet<string>): NftCommand[] {
  return commands.map((command) =>
    names === undefined || names.has(command.table) ? { ...command, table: `${command.table}-dry-run` } : command,
  );
}
