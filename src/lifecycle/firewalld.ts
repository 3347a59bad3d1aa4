/** What is to be told to firewalld where its table ends zones' packets. Pure. */
import type { ForwardChain } from '../host/port.ts';
import type { Prefix } from '../model/address.ts';
import { shellWord } from '../model/shell.ts';
import { type ForeignTable, fateOf, foreignTable, type ZonePacket } from '../nft/foreign-forward.ts';

type Table = Pick<ForwardChain, 'name' | 'policy'> & { readonly rules: ForeignTable };

const permanent = 'firewall-cmd --permanent';
const reload = 'firewall-cmd --reload';
const own = 'protect-network';
/** That of a policy, which leads to five more with these ends. */
const policyChain = /^filter_FWD_policy_(?!.*_(?:pre|log|deny|allow|post)$)(.+)$/;

/**
 * A policy of ours for addresses, ahead of the reject that ends each firewalld zone and behind what people put there. It needs no
 * link to exist, and leaves alone what zones may reach of dom0 itself, which `--zone=trusted` would open. In firewalld 2.3 a
 * policy does not hold between two links that no firewalld zone names: zones' are named in the default one, where they are anyway.
 * Where somebody's own policy ends the packets, an accept ahead of its other rules.
 */
export function firewalldCure(table: Table, subnets: readonly Prefix[], ended: readonly ZonePacket[]): string {
  const policies = [...table.rules.keys()].flatMap((chain) => policyChain.exec(chain)?.[1] ?? []);
  const ending = policies.find((policy) => ended.some((packet) => ends(table, policy, packet)));
  if (ending !== undefined) return [accepts(ending, subnets, ' priority=-32768'), reload].join(' && ');
  const nameLinks = `${permanent} --add-interface=vif+`;
  if (policies.includes(own)) return [nameLinks, reload].join(' && ');
  const policy = `${permanent} --policy=${own}`;
  return [
    `${permanent} --new-policy=${own}`,
    `${policy} --add-ingress-zone=ANY`,
    `${policy} --add-egress-zone=ANY`,
    `${policy} --set-priority=100`,
    accepts(own, subnets),
    nameLinks,
    reload,
  ].join(' && ');
}

function accepts(policy: string, subnets: readonly Prefix[], priority = ''): string {
  const rules = subnets.flatMap(({ family, text }) =>
    ['source', 'destination'].map(
      (end) => `--add-rich-rule='rule${priority} family=${family} ${end} address=${text} accept'`,
    ),
  );
  return `${permanent} --policy=${shellWord(policy)} ${rules.join(' ')}`;
}

/** Its chain is reached and ends the packet, which would pass if the chain accepted it. */
function ends({ rules, name, policy }: Table, candidate: string, packet: ZonePacket): boolean {
  const chain = `filter_FWD_policy_${candidate}`;
  if (fateOf(rules, chain, 'accept', packet) === 'pass') return false;
  const at = { family: 'inet', table: 'firewalld' };
  const accepting = foreignTable([
    { chain: { ...at, name: chain } },
    { rule: { ...at, chain, expr: [{ accept: null }] } },
  ]);
  return fateOf(new Map([...rules, ...accepting]), name, policy, packet) === 'pass';
}
