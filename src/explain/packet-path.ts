/**
 * One direction of a conversation through the host, step by step in the kernel's order. The first step that is bad ends it.
 * Pure: everything is asked of the facts.
 */

import type { Hook } from '../rules/ruleset.ts';
import type { Facts } from './facts.ts';
import { gatewaySteps } from './gateway-steps.ts';
import { connectionTableStep, echoStep, forwardingStep, hookSteps } from './hook-steps.ts';
import { runHook } from './hooks.ts';
import { interceptSteps } from './intercept-steps.ts';
import { arrivalStep, departureSteps } from './link-steps.ts';
import { decideRoute, type RouteOutcome } from './route-steps.ts';
import type { Step } from './step.ts';
import type { Event, Traveller } from './traveller.ts';

export interface PacketPath {
  readonly steps: readonly Step[];
  /** `forwarded`, or `local` where the host itself takes it; undefined where it ended on the way. */
  readonly arrived: 'forwarded' | 'local' | undefined;
}

export interface PathOptions {
  /** The packet comes from a zone, whose guest has to find its gateway first. */
  readonly fromZone: boolean;
}

export function travel(traveller: Traveller, facts: Facts, options: PathOptions): PacketPath {
  const steps: Step[] = [];
  const input = traveller.packet.input;
  const add = (more: readonly Step[]) => {
    steps.push(...more);
    return steps.every(({ state }) => state !== 'bad');
  };
  const hook = (name: Hook, device?: string) => add(passHook(traveller, facts, name, device));
  const ended: PacketPath = { steps, arrived: undefined };
  // A packet of the host's own begins with the routing decision.
  if (input === undefined) return own(traveller, facts, steps, add, hook);
  if (!add([arrivalStep(facts, input, traveller.packet.family)])) return ended;
  add(interceptSteps(facts, input, 'ingress', traveller.packet.family));
  if (options.fromZone && !add(gatewaySteps(facts, traveller.packet))) return ended;
  if (!hook('ingress', input)) return ended;
  if (!add(connectionTableStep(facts, traveller)) || !hook('prerouting')) return ended;
  const decision = decideRoute(facts, traveller.packet);
  if (!add(decision.steps)) return ended;
  if (decision.local) {
    return hook('input') && add(echoStep(facts, traveller.packet)) ? { steps, arrived: 'local' } : ended;
  }
  return leave(traveller, facts, decision, steps, add, hook);
}

type Add = (more: readonly Step[]) => boolean;
type PassHook = (name: Hook, device?: string) => boolean;

function leave(
  traveller: Traveller,
  facts: Facts,
  decision: RouteOutcome,
  steps: Step[],
  add: Add,
  hook: PassHook,
): PacketPath {
  const ended: PacketPath = { steps, arrived: undefined };
  if (!add(forwardingStep(facts, traveller.packet))) return ended;
  traveller.packet = { ...traveller.packet, output: decision.device };
  if (!hook('forward') || !hook('postrouting')) return ended;
  if (decision.device !== undefined && !hook('egress', decision.device)) return ended;
  return depart(traveller, facts, decision, steps, add);
}

function depart(
  { packet }: Traveller,
  facts: Facts,
  { device, gateway }: RouteOutcome,
  steps: Step[],
  add: Add,
): PacketPath {
  if (device !== undefined) add(interceptSteps(facts, device, 'egress', packet.family));
  return { steps, arrived: add(departureSteps(facts, packet, gateway)) ? 'forwarded' : undefined };
}

function own(traveller: Traveller, facts: Facts, steps: Step[], add: Add, hook: PassHook): PacketPath {
  const ended: PacketPath = { steps, arrived: undefined };
  const decision = decideRoute(facts, traveller.packet);
  if (!add(decision.steps)) return ended;
  traveller.packet = { ...traveller.packet, output: decision.device };
  if (!hook('output') || !hook('postrouting')) return ended;
  if (decision.local) return { steps, arrived: 'local' };
  if (decision.device !== undefined && !hook('egress', decision.device)) return ended;
  return depart(traveller, facts, decision, steps, add);
}

function passHook(traveller: Traveller, facts: Facts, name: Hook, device: string | undefined): Step[] {
  const before = traveller.events.length;
  const dropped: Event | undefined = runHook(traveller, facts.ruleset, name, device);
  return hookSteps(name, traveller, traveller.events.slice(before), dropped);
}
