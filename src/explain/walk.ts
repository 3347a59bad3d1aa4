/** The whole story for what was asked: who the zone is, each packet's way, and the verdict with what decides it. Pure. */

import { type Address, families, familyOf } from '../model/address.ts';
import type { Fault } from '../model/fault.ts';
import { describePacket, type Packet } from '../rules/packet.ts';
import { refText } from '../rules/ruleset.ts';
import type { Section } from './conversation.ts';
import type { Facts } from './facts.ts';
import { answerName, type NameAsked, nameIn } from './names.ts';
import type { Request } from './request.ts';
import { settle } from './settle-doubts.ts';
import type { Snapshot, ZoneFacts } from './snapshot.ts';
import { type Step, step, type Verdict } from './step.ts';
import { renamedCalled, type Subject, subjectOf } from './subject.ts';

export interface Report {
  readonly link: string;
  /** The zone's, as far as they are known. */
  readonly addresses: readonly Address[];
  /** In words. */
  readonly packet: string;
  /** Null where no address of the zone is known. */
  readonly facts: Packet | null;
  readonly verdict: Verdict;
  /** One sentence: what decides; the cause, where it is another one than the step at which the packet ends. */
  readonly because: string;
  readonly cause: Step | null;
  readonly decisive: Step | null;
  readonly sections: readonly Section[];
}

export function walk(request: Request, facts: Facts): Report[] {
  const name = nameIn(request, facts);
  const bare = { ...request, to: undefined, port: undefined, transport: 'icmp' } as const;
  const { zone, addresses, packets } = subjectOf(name === undefined ? request : bare, facts);
  const renamed = renamedCalled(zone.link, facts.snapshot);
  if (renamed !== undefined) return [withoutLink(zone, facts.snapshot, renamed)];
  if (packets.length === 0) return [withoutAddress(zone, facts.snapshot)];
  if (name !== undefined) return walkName(request, name, { zone, addresses, packets }, facts);
  return packets.map((packet) => report(zone, addresses, packet, facts));
}

/** A packet to an address that the name has been leased for, one of each family; what is known of the name where there is none. */
function walkName(request: Request, asked: NameAsked, { zone, addresses }: Subject, facts: Facts): Report[] {
  const { step: said, leases } = answerName(asked, zone.link, facts);
  const usable = leases.filter(({ address }) => addresses.some((own) => familyOf(own) === familyOf(address)));
  if (usable.length > 0) {
    const packets = usable.flatMap(({ address }) => subjectOf({ ...request, to: { address } }, facts).packets);
    return packets.map((packet) => report(zone, addresses, packet, facts, [said]));
  }
  const steps = [directoryStep(zone, false, facts.snapshot), ...daemonSteps(zone, facts.snapshot), said];
  return [
    {
      link: zone.link,
      addresses,
      packet: `${asked.transport.toUpperCase()} from ${zone.link} to ${asked.name} port ${asked.port}`,
      facts: null,
      verdict: said.state === 'bad' ? 'blocked' : 'undecided',
      because: said.text,
      cause: null,
      decisive: said,
      sections: [{ title: 'what is known', steps }],
    },
  ];
}

function report(
  zone: ZoneFacts,
  addresses: readonly Address[],
  packet: Packet,
  facts: Facts,
  more: readonly Step[] = [],
): Report {
  const { verdict, conversation, doubt } = settle(facts, packet);
  const passes = verdict === 'passes';
  const entry = directoryStep(zone, passes, facts.snapshot);
  const hidden = hiddenTables(packet, facts.snapshot);
  const known = [entry, ...daemonSteps(zone, facts.snapshot), ...more, ...hidden];
  const unseen = hidden.find(({ state }) => state === 'unknown');
  const final = passes && unseen !== undefined ? 'undecided' : verdict;
  const doubtful = doubt === undefined ? unseen : doubtStep(doubt);
  const decisive = doubtful ?? conversation.decisive ?? null;
  const cause = entry.state === 'bad' ? entry : null;
  return {
    link: zone.link,
    addresses,
    packet: describePacket(packet),
    facts: packet,
    verdict: final,
    because: (cause ?? decisive)?.text ?? 'nothing on this host stops it or its answer',
    cause,
    decisive,
    sections: [
      { title: 'what is known', steps: known },
      ...conversation.sections,
      ...(doubt === undefined ? [] : [{ title: 'undecided', steps: [doubtStep(doubt)] }]),
    ],
  };
}

function withoutAddress(zone: ZoneFacts, snapshot: Snapshot): Report {
  const missing = snapshot.links.every(({ ifname }) => ifname !== zone.link);
  const entry = missing
    ? step('link', 'bad', `there is no link ${zone.link} on this host`)
    : directoryStep(zone, false, snapshot);
  return nothingPasses(zone, entry, snapshot);
}

/** It is there under another name. */
function withoutLink(zone: ZoneFacts, snapshot: Snapshot, { what, why, fix }: Fault): Report {
  const details = why === null ? [] : [why];
  return nothingPasses(zone, step('link', 'bad', what, { details, fix: fix === null ? [] : [fix] }), snapshot);
}

function nothingPasses(zone: ZoneFacts, entry: Step, snapshot: Snapshot): Report {
  return {
    link: zone.link,
    addresses: [],
    packet: `any packet of ${zone.link}`,
    facts: null,
    verdict: 'blocked',
    because: entry.text,
    cause: entry,
    decisive: null,
    sections: [{ title: 'what is known', steps: [entry, ...daemonSteps(zone, snapshot)] }],
  };
}

function directoryStep(zone: ZoneFacts, passes: boolean, { subnets }: Snapshot): Step {
  const { link, refused, directory, origin, name, addresses } = zone;
  if (refused === null) {
    const who = name === null ? link : `${link} (${name})`;
    return step(
      'directory',
      'good',
      `${who} has ${addresses.join(' and ')} (${directory ?? 'unknown directory'}: ${origin ?? ''})`,
    );
  }
  const where = origin === null ? '' : ` (${directory}: ${origin})`;
  const text = `${link} has no network: ${refused}${where}`;
  const fix = [`protect-network zone set ${link} ${wantedFamilies(zone, subnets).join(' ')}`];
  if (!passes) return step('directory', 'bad', text, { fix });
  return step('directory', 'note', `${text}; packets pass until the daemon removes what is still in place`, { fix });
}

/** Options of `zone set`: each family of which the zone should have had an address, or the first that zones have. */
function wantedFamilies({ claimed }: ZoneFacts, subnets: Snapshot['subnets']): string[] {
  const enabled = families.filter((family) => subnets[family] !== null);
  const wanted = enabled.filter((family) => claimed.some((address) => familyOf(address) === family));
  return (wanted.length > 0 ? wanted : enabled.slice(0, 1)).map((family) => `--${family} auto`);
}

function daemonSteps({ link }: ZoneFacts, { daemon, directoryProblems }: Snapshot): Step[] {
  const problems = directoryProblems.map((problem) => step('directory', 'note', problem));
  if (!daemon.answers) {
    return [...problems, step('daemon', 'note', `${daemon.detail}: nothing is set up or repaired meanwhile`)];
  }
  const zone = daemon.zones.find((each) => each.link === link);
  if (zone === undefined || zone.state === 'ready') return problems;
  return [
    ...problems,
    step(
      'daemon',
      'note',
      `the daemon reports ${link} as ${zone.state}${zone.reason === null ? '' : `: ${zone.reason}`}`,
    ),
  ];
}

/** What stands in the way of ARP and cannot be evaluated. */
function hiddenArp({ family }: Packet, { arpRules }: Snapshot): Step[] {
  if (family === 'ipv6' || arpRules?.length === 0) return [];
  const what =
    arpRules === null
      ? 'the package arptables is not installed: what they drop cannot be seen'
      : 'whether they drop the zone’s question for its gateway is not evaluated here';
  return [
    step('legacy', 'unknown', `there are rules of arptables-legacy on ARP, and ${what}`, { details: arpRules ?? [] }),
  ];
}

function hiddenTables(packet: Packet, snapshot: Snapshot): Step[] {
  const { family } = packet;
  if (snapshot.legacy[family] !== null) return hiddenArp(packet, snapshot);
  const tool = family === 'ipv4' ? 'iptables-legacy' : 'ip6tables-legacy';
  return [
    step(
      'legacy',
      'unknown',
      `there are tables of ${tool}, and ${tool}-save is not installed: what they drop cannot be seen`,
    ),
  ];
}

function doubtStep(doubt: NonNullable<ReturnType<typeof settle>['doubt']>): Step {
  const { rule, why, ifItFits, otherwise } = doubt;
  const words: Readonly<Record<Verdict, string>> = {
    passes: 'the packet passes',
    blocked: 'it is dropped',
    undecided: 'further rules decide',
  };
  return step('undecided', 'unknown', `cannot be decided because of ${refText(rule.ref)}: ${why}`, {
    rule: { ref: rule.ref, where: refText(rule.ref), text: rule.text },
    details: [
      `if the rule matches, ${words[ifItFits]}; if not, ${words[otherwise]}`,
      'explain --live shows what happens to a real packet',
    ],
  });
}
