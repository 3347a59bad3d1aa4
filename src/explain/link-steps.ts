/** The links at both ends: there, up, with a carrier; and who has to be found behind the one it leaves by. Pure. */
import { howToFree, takenIn, whoTakes, whyTaken } from '../lifecycle/taken.ts';
import { type Family, parseAddress } from '../model/address.ts';
import { isZoneLink, parseLinkName } from '../model/link-name.ts';
import type { Packet } from '../rules/packet.ts';
import type { Facts } from './facts.ts';
import { hostAsks } from './neighbour-questions.ts';
import { type Step, step } from './step.ts';

export function arrivalStep(facts: Facts, name: string, family: Family): Step {
  const state = linkState(facts, name);
  if (state !== undefined) return state;
  if (family === 'ipv6' && facts.sysctl('ipv6', 'conf', name, 'disable_ipv6') === '1') {
    return step('ipv6-off', 'bad', `IPv6 is switched off on ${name}`, {
      fix: [`sysctl -w net/ipv6/conf/${name}/disable_ipv6=0`],
    });
  }
  const master = facts.links.get(name)?.master;
  if (master !== undefined) {
    return step(
      'link',
      'unknown',
      `${name} belongs to ${master}: what a bridge, bond or VRF does with the packet is not computed here`,
    );
  }
  return step('link', 'good', `${name} is up and has a carrier`);
}

export function departureSteps(facts: Facts, packet: Packet, gateway: string | undefined): Step[] {
  const { output } = packet;
  if (output === undefined || output === 'lo') return [];
  const state = linkState(facts, output);
  if (state !== undefined) return [state];
  const hop = gateway === undefined ? packet.destination : parseAddress(gateway);
  // A zone that has just asked for its gateway is known by its question.
  const isKnown =
    (packet.reply && isZoneLink(output)) ||
    facts.snapshot.neighbours.some(({ dst, dev, state }) => dst === hop && dev === output && isResolved(state));
  const ended = isKnown || hop === undefined ? undefined : hostAsks(facts, packet, output, hop);
  return [...(ended === undefined ? [] : [ended]), neighbourStep(facts, output, gateway ?? packet.destination)];
}

/** Undefined where all is well. */
function linkState(facts: Facts, name: string): Step | undefined {
  const link = facts.links.get(name);
  if (link === undefined) {
    return step('link', 'bad', `there is no link ${name} on this host`, {
      details: ['its zone is not running on this host'],
    });
  }
  if (!link.isUp) return step('link', 'bad', `${name} is down`, { fix: [`ip link set ${name} up`] });
  if (!link.hasCarrier) {
    return parseLinkName(name) === undefined
      ? step('carrier', 'bad', `${name} is up and has no carrier: the other end is down or not connected`, {
          details: ['look at the cable, or the other end'],
        })
      : step('carrier', 'bad', `${name} is up and has no carrier: the guest’s interface is down or not connected`, {
          details: ['look inside the zone: it has not booted, has no driver for the interface, or has not set it up'],
        });
  }
  return takenStep(facts, name);
}

/** A zone's link only: what others have in a bridge, bond or VRF is meant. */
function takenStep({ links }: Facts, name: string): Step | undefined {
  if (parseLinkName(name) === undefined) return undefined;
  const all = [...links.values()].map((link) => ({ ...link, name: link.ifname }));
  const taken = takenIn(all, name);
  if (taken === undefined) return undefined;
  return step('link', 'bad', whyTaken(name, taken), {
    fix: [howToFree(name, taken)],
    details: whoTakes(taken),
  });
}

function isResolved(state: readonly string[]): boolean {
  return !state.includes('FAILED') && !state.includes('INCOMPLETE');
}

/** What the kernel remembers of the last time it asked for `address`. */
function neighbourStep(facts: Facts, link: string, address: string): Step {
  const entry = facts.snapshot.neighbours.find(({ dst, dev }) => dst === address && dev === link);
  const state = entry?.state ?? [];
  if (!isResolved(state)) {
    return step(
      'neighbour',
      'unknown',
      `${address} did not answer on ${link} when last resolved (${state.join(' ')})`,
      {
        details: [
          'the next packet asks again; if nobody answers then, the host with that address is down or not on this link',
        ],
      },
    );
  }
  const known = state.length === 0 ? 'not resolved yet' : `resolved (${state.join(' ')})`;
  return step('neighbour', state.length === 0 ? 'note' : 'good', `leaves via ${link} to ${address}, ${known}`);
}
