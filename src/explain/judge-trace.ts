/** Packets as the kernel's trace shows them, and whether that is what was computed. Pure. */
import type { TraceEvent } from '../host/trace.ts';
import type { Packet } from '../rules/packet.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { type Step, step, type Verdict } from './step.ts';

/** The script of the table's chains: the packet as it comes in, and the answer once connection tracking knows it. */
export function traceChains(packet: Packet, tracksAlready: boolean): string {
  const { family, source, destination, input } = packet;
  const ip = family === 'ipv4' ? 'ip' : 'ip6';
  const few = 'limit rate 5/second burst 5 packets meta nftrace set 1';
  const request = `iifname "${input ?? 'lo'}" ${ip} saddr ${source} ${ip} daddr ${destination} ${protocolText(packet)} ${few}`;
  const reply = `ct direction reply ct original ${ip} saddr ${source} ct original ${ip} daddr ${destination} ${few}`;
  const chain = (name: string, priority: number, rule: string) =>
    ` chain ${name} { type filter hook prerouting priority ${priority}; ${rule}\n }`;
  // A rule that asks connection tracking would switch it on where nobody else does.
  return [chain('request', -1000, request), ...(tracksAlready ? [chain('reply', -199, reply)] : [])].join('\n');
}

function protocolText({ family, transport, destinationPort }: Packet): string {
  if (transport !== 'icmp') return `${transport} dport ${destinationPort ?? 0}`;
  return family === 'ipv4' ? 'icmp type echo-request' : 'icmpv6 type echo-request';
}

export interface Observed {
  /** Packets of the kind that was asked about, first to last. */
  readonly requests: readonly (readonly TraceEvent[])[];
  readonly replies: readonly (readonly TraceEvent[])[];
}

export function groupTraces(events: readonly TraceEvent[], table: string): Observed {
  const byId = new Map<number, TraceEvent[]>();
  for (const event of events) byId.set(event.id, [...(byId.get(event.id) ?? []), event]);
  const of = (chain: string) => [...byId.values()].filter(([first]) => first?.chain === `inet ${table} ${chain}`);
  return { requests: of('request'), replies: of('reply') };
}

/** What the packets that were seen say about the computed verdict. */
export function judgeTraces(observed: Observed, computed: Verdict, rule: string | undefined, ruleset: Ruleset): Step[] {
  const [request] = observed.requests;
  if (request === undefined) return [];
  const last = endOf(request) ?? observed.replies.map(endOf).find((end) => end !== undefined);
  if (last !== undefined) return [judgeDrop(last, computed, rule, ruleset)];
  const gone = stoppedBefore(request, ruleset);
  const way = [...new Set(request.map(({ chain }) => chain))]
    .filter((chain) => !chain.startsWith('inet edera-trace'))
    .join(' → ');
  const answered = observed.replies.length > 0;
  const seen = answered ? 'its answer came back' : 'no answer was seen';
  if (gone !== undefined) {
    const state = computed === 'passes' ? 'bad' : 'good';
    return [
      step('trace', state, `a real packet was not seen at ${gone}: it ended at the routing decision`, {
        details: [way],
      }),
    ];
  }
  const state = answered ? (computed === 'blocked' ? 'bad' : 'good') : 'note';
  return [step('trace', state, `a real packet passed every nftables chain, and ${seen}`, { details: [way] })];
}

function judgeDrop({ chain, handle }: TraceEvent, computed: Verdict, rule: string | undefined, ruleset: Ruleset): Step {
  const where = handle === undefined ? `the policy of ${chain}` : `${chain} handle ${handle}`;
  const isSame = rule === undefined || handle === undefined || rule === where;
  const agrees = computed !== 'passes' && isSame;
  const words = agrees ? 'as computed' : 'not as computed';
  return step('trace', agrees ? 'good' : 'bad', `a real packet was dropped by ${where}, ${words}`, {
    details: textOf(chain, handle, ruleset),
  });
}

/** As nft prints the rule; nothing where it came since, or is none. */
function textOf(where: string, handle: number | undefined, ruleset: Ruleset): string[] {
  const chains = ruleset.filter(({ world }) => world === 'nft').flatMap((table) => [...table.chains.values()]);
  const chain = chains.find(({ family, table, name }) => `${family} ${table} ${name}` === where);
  return chain?.rules.flatMap(({ ref, text }) => (ref.handle === handle ? [text] : [])) ?? [];
}

function endOf(events: readonly TraceEvent[]): TraceEvent | undefined {
  return events.findLast(({ verdict }) => verdict === 'drop');
}

/** The hook that has chains and never saw it, although it must have gone there. */
function stoppedBefore(events: readonly TraceEvent[], ruleset: Ruleset): string | undefined {
  const chains = ruleset.filter(({ world }) => world === 'nft').flatMap((table) => [...table.chains.values()]);
  const seen = new Set(events.map(({ chain }) => chain));
  const at = (hooks: readonly string[]) => chains.filter(({ base }) => base !== undefined && hooks.includes(base.hook));
  const later = at(['forward', 'input', 'postrouting']);
  const isSeen = later.some(({ family, table, name }) => seen.has(`${family} ${table} ${name}`));
  return later.length > 0 && !isSeen ? 'forward or input' : undefined;
}
