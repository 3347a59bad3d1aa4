/** The links at both ends: there, up, with a carrier; and who has to be found behind the one it leaves by. Pure. */
import { howToFree, takenIn, whoTakes, whyTaken } from '../lifecycle/taken.ts';
import type { Family } from '../model/address.ts';
import { parseLinkName } from '../model/link-name.ts';
import type { Packet } from '../rules/packet.ts';
import type { Facts } from './facts.ts';
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
  return [neighbourStep(facts, output, gateway ?? packet.destination)];
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
    return step('carrier', 'bad', `${name} is up and has no carrier: the other end is down or not connected`, {
      details: [
        name.startsWith('vif')
          ? 'the zone’s own kernel has not set its network device up'
          : 'look at the cable, or the other end',
      ],
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

/** What the kernel remembers of the last time it asked for `address`. */
function neighbourStep(facts: Facts, link: string, address: string): Step {
  const entry = facts.snapshot.neighbours.find(({ dst, dev }) => dst === address && dev === link);
  const state = entry?.state ?? [];
  if (state.includes('FAILED') || state.includes('INCOMPLETE')) {
    return step('neighbour', 'bad', `${address} did not answer on ${link} when last resolved (${state.join(' ')})`, {
      fix: [`ip neigh show to ${address} dev ${link}`],
      details: ['the host with that address is down, or not on this link'],
    });
  }
  const known = state.length === 0 ? 'not resolved yet' : `resolved (${state.join(' ')})`;
  return step('neighbour', state.length === 0 ? 'note' : 'good', `leaves via ${link} to ${address}, ${known}`);
}
