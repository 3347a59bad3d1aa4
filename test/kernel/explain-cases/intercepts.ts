/** Hosts on which something that cannot be computed looks at packets ahead of or behind netfilter: tc and XDP. */
import type { LongRunning } from '../../lab/command.ts';
import { type Case, toOutside, toOutside6 } from '../../lab/explain-case.ts';
import { attachXdp, canAttachXdp, xdpDrop, xdpPass } from '../../lab/xdp.ts';

/** TC_ACT_SHOT by a classic BPF program of one instruction. */
const shot = ['bpf', 'da', 'bytecode', '1,6 0 0 2'];

function byTc(name: string, link: string, filter: readonly string[], expected: Pick<Case, 'verdict' | 'names'>): Case {
  return {
    name,
    ask: toOutside,
    breakIt: async ({ world: { host } }) => {
      await host.mustExec('tc', ['qdisc', 'add', 'dev', link, 'clsact']);
      await host.mustExec('tc', ['filter', 'add', 'dev', link, ...filter]);
    },
    mend: ({ world: { host } }) => host.mustExec('tc', ['qdisc', 'del', 'dev', link, 'clsact']),
    ...expected,
  };
}

const undecided = (names: RegExp) => ({ verdict: 'undecided', names }) as const;
const passes = { verdict: 'passes', names: /nothing on this host/ } as const;

function byXdp(name: string, link: string, verdict: number): Case {
  let program: LongRunning | undefined;
  return {
    name,
    ask: toOutside6,
    breakIt: async ({ world }) => {
      program = await attachXdp(world.host, link, verdict);
    },
    mend: async () => program?.stop(),
    ...undecided(new RegExp(`an XDP program on ${link} may stop or divert the packet`)),
  };
}

export const intercepts: readonly Case[] = [
  byTc(
    'tc drops what a zone sends',
    'vif7.0',
    ['ingress', ...shot],
    undecided(/tc at the ingress of vif7\.0, bpf \(pref \d+\), may stop/),
  ),
  byTc(
    'tc drops what leaves',
    'uplink0',
    ['egress', 'protocol', 'ip', ...shot],
    undecided(/tc at the egress of uplink0/),
  ),
  byTc(
    'tc drops answers',
    'uplink0',
    ['ingress', 'protocol', 'ip', ...shot],
    undecided(/tc at the ingress of uplink0/),
  ),
  byTc('tc drops what a zone is sent', 'vif7.0', ['egress', ...shot], undecided(/tc at the egress of vif7\.0/)),
  byTc('tc drops IPv6 only', 'vif7.0', ['ingress', 'protocol', 'ipv6', ...shot], passes),
  byTc(
    'tc only sorts',
    'vif7.0',
    ['ingress', 'protocol', 'ip', 'u32', 'match', 'u32', '0', '0', 'classid', '1:1'],
    passes,
  ),
  ...(canAttachXdp
    ? [byXdp('XDP drops at the link', 'vif7.0', xdpDrop), byXdp('XDP looks at the uplink', 'uplink0', xdpPass)]
    : []),
];
