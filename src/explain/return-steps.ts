/** Whether an answer can find the way back to this host: who the packet claims to be when it leaves. Pure. */
import { isInSubnet, isZoneLink } from './conversation.ts';
import type { Facts } from './facts.ts';
import { bearerOf } from './host-address.ts';
import type { Packet } from './packet.ts';
import { route } from './routing.ts';
import { refText } from './ruleset.ts';
import { type Step, step } from './step.ts';
import type { Event, Traveller } from './traveller.ts';

export function returnSteps(facts: Facts, packet: Packet, request: Traveller): Step[] {
  const { output, source } = request.packet;
  if (isZoneLink(output)) return [];
  const translated = source !== packet.source;
  if (!isInSubnet(facts, packet, packet.source) && !translated) return [cannotSee];
  if (!translated) return [unmasqueraded(facts, packet, request)];
  const rule = lastTranslation(request.events);
  const bearer = bearerOf(facts.links.values(), source);
  if (bearer !== undefined) {
    return [step('masquerade', 'good', `leaves as ${source}, this host’s address on ${bearer}`, rule), cannotSee];
  }
  const back = route(facts.routing[packet.family], {
    family: packet.family,
    destination: source,
    source,
    input: undefined,
    mark: 0,
  });
  const isOnLink = back.kind === 'route' && back.route.gateway === undefined && back.route.dev === output;
  const text = `leaves as ${source}, which is no address of this host`;
  return isOnLink
    ? [step('masquerade', 'bad', `${text}: nobody on ${output} brings the answer back`, rule)]
    : [step('masquerade', 'unknown', `${text}: whether its network brings the answer here cannot be seen`, rule)];
}

const cannotSee = step(
  'beyond',
  'note',
  'whether the other side is there, lets it in and knows the way back cannot be seen from this host',
);

function unmasqueraded(facts: Facts, { source, family }: Packet, request: Traveller): Step {
  const { output } = request.packet;
  const { uplinkInterfaces } = facts.snapshot;
  const untracked = request.events.find(({ what }) => what === 'notrack');
  const intended = uplinkInterfaces.length > 0 && output !== undefined && !uplinkInterfaces.includes(output);
  if (intended) {
    const text = `leaves by ${output} as ${source}: uplink.interfaces does not name ${output}, so the other side must know the way back`;
    return step('masquerade', 'unknown', text);
  }
  const nat = family === 'ipv4' ? 'IPv4' : 'IPv6';
  if (untracked?.rule !== undefined) {
    const { rule } = untracked;
    return step(
      'masquerade',
      'bad',
      `leaves unmasqueraded as ${source}: a rule keeps it from being tracked, so no translation applies`,
      {
        rule: { ref: rule.ref, where: refText(rule.ref), text: rule.text },
        fix: [`nft delete rule ${refText(rule.ref)}`],
      },
    );
  }
  return step(
    'masquerade',
    'bad',
    `leaves unmasqueraded as ${source}: no rule translates ${nat} by ${output ?? '?'}, and nobody outside knows the way back to it`,
    {
      fix: ['protect-network plan', 'systemctl start protect-network'],
    },
  );
}

function lastTranslation(events: readonly Event[]): Pick<Step, 'rule'> {
  const rule = events.findLast(({ what }) => what === 'translate')?.rule;
  return rule === undefined ? {} : { rule: { ref: rule.ref, where: refText(rule.ref), text: rule.text } };
}
