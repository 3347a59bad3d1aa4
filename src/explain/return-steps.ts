/** Whether an answer can find the way back to this host: who the packet claims to be when it leaves. Pure. */
import { type Address, contains, familyNames, prefixesOf } from '../model/address.ts';
import { isZoneLink } from '../model/link-name.ts';
import type { Packet } from '../rules/packet.ts';
import { route } from '../rules/routing.ts';
import { refText } from '../rules/ruleset.ts';
import type { Facts } from './facts.ts';
import { bearerOf } from './host-address.ts';
import { narrowAccept } from './narrow-accept.ts';
import { type Step, step } from './step.ts';
import type { Event, Traveller } from './traveller.ts';

export function returnSteps(facts: Facts, packet: Packet, request: Traveller): Step[] {
  const { output, source } = request.packet;
  if (source === request.packet.destination) return [hairpin(request.packet)];
  if (isZoneLink(output)) return [];
  const translated = source !== packet.source;
  if (!facts.isOfZones(packet.source) && !translated) return [cannotSee];
  if (!translated)
    return isOfFleet(facts, request.packet)
      ? [unmasqueraded(facts, packet, request), cannotSee]
      : [unmasqueraded(facts, packet, request)];
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
  const text = `leaves as ${source}, which is not an address of this host`;
  return isOnLink
    ? [step('masquerade', 'bad', `${text}: no host on ${output} returns the answer`, rule)]
    : [step('masquerade', 'unknown', `${text}: whether the network returns the answer here cannot be seen`, rule)];
}

const cannotSee = step(
  'beyond',
  'note',
  'whether the other side is up, accepts it and has a route back cannot be seen from this host',
);

/** A zone that asks for its own forwarded port gets its packet back. */
function hairpin({ family, source, output }: Packet): Step {
  const tool = family === 'ipv4' ? 'iptables' : 'ip6tables';
  const text = `${output} gets its own packet back under its own address ${source}, and drops it: this needs another source`;
  return step('hairpin', 'bad', text, {
    fix: [`${tool} -t nat -A POSTROUTING -s ${source} -d ${source} -j MASQUERADE`],
  });
}

function unmasqueraded(facts: Facts, { source, family }: Packet, request: Traveller): Step {
  const { output } = request.packet;
  const untracked = request.events.find(({ what }) => what === 'notrack');
  if (isOfFleet(facts, request.packet)) {
    return step(
      'masquerade',
      'good',
      `leaves via ${output} as ${source}, to another host of the fleet, which routes it back`,
    );
  }
  const setting = settingAgainst(facts, request.packet);
  if (setting !== undefined) {
    const text = `leaves via ${output} as ${source}: ${setting}, so the other side needs a route back`;
    return step('masquerade', 'unknown', text);
  }
  const nat = familyNames[family];
  if (untracked?.rule !== undefined) {
    const { rule } = untracked;
    return step(
      'masquerade',
      'bad',
      `leaves unmasqueraded as ${source}: a rule keeps it from being tracked, so no translation applies`,
      {
        rule: { ref: rule.ref, where: refText(rule.ref), text: rule.text },
        fix: narrowAccept(rule.ref, untracked.hook, request.packet),
      },
    );
  }
  return step(
    'masquerade',
    'bad',
    `leaves unmasqueraded as ${source}: no rule translates ${nat} on ${output ?? '?'}, and no host outside has a route back to it`,
    {
      fix: ['protect-network plan', 'systemctl start protect-network'],
    },
  );
}

/** Why the settings let a packet leave under a zone's own address. */
function settingAgainst({ snapshot, links }: Facts, { family, output, destination }: Packet): string | undefined {
  const { uplinkInterfaces, masquerade, noMasquerade } = snapshot;
  if (uplinkInterfaces.length > 0 && output !== undefined && !uplinkInterfaces.includes(output)) {
    const other = links.get(output)?.altnames?.find((name) => uplinkInterfaces.includes(name));
    return `uplink.interfaces does not name ${output}${other === undefined ? '' : `, but ${other}, an alternative name of it`}`;
  }
  if (masquerade[family] === 'off') return `uplink.masquerade${family === 'ipv4' ? '4' : '6'} is false`;
  const exempt = prefixWith(noMasquerade, destination);
  return exempt === undefined ? undefined : `uplink.no-masquerade names ${exempt}`;
}

/** Another host of the fleet announces the destination, and knows the way back by the same means. */
export function isOfFleet(
  { snapshot: { fleet } }: Facts,
  { output, destination }: Pick<Packet, 'output' | 'destination'>,
): boolean {
  return (
    output !== undefined && fleet.uplinks.includes(output) && prefixWith(fleet.prefixes, destination) !== undefined
  );
}

function prefixWith(texts: readonly string[], address: Address): string | undefined {
  return texts.find((text) => prefixesOf(text).some((prefix) => contains(prefix, address)));
}

function lastTranslation(events: readonly Event[]): Pick<Step, 'rule'> {
  const rule = events.findLast(({ what }) => what === 'translate')?.rule;
  return rule === undefined ? {} : { rule: { ref: rule.ref, where: refText(rule.ref), text: rule.text } };
}
