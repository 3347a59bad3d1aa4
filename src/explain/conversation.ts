/** A packet and the answer to it: both directions through the host, and what lies between them where nobody can look. Pure. */
import { isZoneLink } from '../model/link-name.ts';
import { endpointsOf, type Packet } from '../rules/packet.ts';
import { route } from '../rules/routing.ts';
import type { Facts } from './facts.ts';
import { type PacketPath, travel } from './packet-path.ts';
import { returnSteps } from './return-steps.ts';
import { fixForZoneRoute } from './route-fixes.ts';
import { type Step, step, type Verdict } from './step.ts';
import { type Assumptions, type Doubt, Traveller } from './traveller.ts';

export interface Section {
  readonly title: string;
  readonly steps: readonly Step[];
}

export interface Conversation {
  readonly verdict: Verdict;
  readonly sections: readonly Section[];
  /** The step that decides, where it does not pass. */
  readonly decisive: Step | undefined;
  readonly doubts: readonly Doubt[];
  /** The packet as it leaves the host, or is taken by it. */
  readonly leaving: Packet;
}

export function converse(facts: Facts, packet: Packet, assumptions: Assumptions): Conversation {
  const request = new Traveller(packet, facts, assumptions);
  const there = travel(request, facts, { fromZone: isZoneLink(packet.input) });
  const sections: Section[] = [{ title: 'there', steps: there.steps }];
  const doubts = [...request.doubts];
  const leaving = request.packet;
  if (there.arrived !== undefined) {
    const between = there.arrived === 'forwarded' ? returnSteps(facts, packet, request) : [];
    sections.push({ title: 'beyond', steps: between });
    if (between.every(({ state }) => state !== 'bad')) {
      const reply = new Traveller(answerTo(leaving, there), facts, assumptions);
      reply.connection = request.untracked ? undefined : request.connection;
      const back = travel(reply, facts, { fromZone: isZoneLink(reply.packet.input) });
      sections.push({ title: 'back', steps: [...back.steps, ...homecoming(facts, packet, request, reply, back)] });
      doubts.push(...reply.doubts);
    }
  }
  const steps = sections.flatMap((section) => section.steps);
  const decisive = steps.find(({ state }) => state === 'bad') ?? steps.find(({ state }) => state === 'unknown');
  const verdict = decisive === undefined ? 'passes' : decisive.state === 'bad' ? 'blocked' : 'undecided';
  return { verdict, sections: sections.filter((section) => section.steps.length > 0), decisive, doubts, leaving };
}

function answerTo(leaving: Packet, { arrived }: PacketPath): Packet {
  return {
    ...leaving,
    source: leaving.destination,
    destination: leaving.source,
    sourcePort: leaving.destinationPort,
    destinationPort: leaving.sourcePort,
    input: arrived === 'local' ? undefined : leaving.output,
    output: undefined,
    mark: 0,
    reply: true,
  };
}

function zoneText(expected: number, found: number): string {
  return `connection tracking looks for it in zone ${found}, and the connection is in zone ${expected}`;
}

/** Where the answer ends: it must be with whoever asked. */
function homecoming(facts: Facts, packet: Packet, request: Traveller, reply: Traveller, back: PacketPath): Step[] {
  if (back.arrived === undefined) return [];
  const { destination } = endpointsOf(reply.packet);
  const isLocal = packet.input === undefined;
  if ((back.arrived === 'local') !== isLocal || destination !== packet.source) {
    const { zones } = reply;
    const stray = request.zones.reply === zones.reply ? '' : `: ${zoneText(request.zones.reply, zones.reply)}`;
    return [
      step('return', 'bad', `the answer ends at ${destination} on this host instead of ${packet.source}${stray}`),
    ];
  }
  const { output } = reply.packet;
  if (output === packet.input || !isZoneLink(packet.input)) return [];
  const text = `the answer to ${packet.source} leaves via ${output ?? '?'} instead of ${packet.input}: the zone’s route is missing, or another one takes precedence`;
  const { family, source, input = '' } = packet;
  const query = { family, source: endpointsOf(reply.packet).source, destination: source, input: output, mark: 0 };
  return [
    step('return', 'bad', text, { fix: fixForZoneRoute(facts, source, input, route(facts.routing[family], query)) }),
  ];
}
