/** Which links get a chain at their ingress, and what becomes of those that cannot be given one. */
import type { Host } from '../host/port.ts';
import { messageOf, ProtectNetworkError } from '../model/errors.ts';
import type { LinkName } from '../model/link-name.ts';
import { applyRuleset } from '../nft/apply.ts';
import { ingressTable } from '../nft/names.ts';
import type { IngressScope } from '../nft/plan-ingress.ts';
import { tableKey } from '../nft/ruleset.ts';
import type { Desired, DesiredZone } from './desired.ts';
import type { Mirror } from './mirror.ts';
import type { Plan } from './pass-plan.ts';
import type { PassScope } from './scope.ts';
import { whyTaken } from './taken.ts';

/** Only zones' own: a guest that no zone directory knows is in a bridge because somebody wants it there. */
export function ingressScope(desired: Desired, scope: PassScope, indices: ReadonlySet<number>): IngressScope {
  const isTaken = (zone: DesiredZone | undefined) =>
    zone?.taken !== undefined && (desired.layout.antiSpoof || zone.access?.mode === 'enforce');
  if (scope.ruleset === 'all') {
    const taken = [...desired.zones.values()].filter(isTaken);
    return { taken, free: scope.prune ? 'all' : [] };
  }
  const names = new Set<LinkName>();
  for (const ifindex of indices) {
    for (const zone of [desired.zones.get(ifindex), scope.served.get(ifindex)])
      if (zone !== undefined) names.add(zone.link);
  }
  const zones = [...names].map((link) => ({ link, zone: desired.byLink.get(link) }));
  return {
    taken: zones.flatMap(({ zone }) => (zone !== undefined && isTaken(zone) ? [zone] : [])),
    free: zones.filter(({ zone }) => !isTaken(zone)).map(({ link }) => link),
  };
}

/** Returns the failure for each link concerned, by ifindex. Nothing of it keeps others from being served. */
export async function closeIngress(
  { nft }: Pick<Host, 'nft'>,
  mirror: Mirror,
  { ingress }: Plan,
): Promise<Map<number, ProtectNetworkError>> {
  const failed = new Map<number, ProtectNetworkError>();
  try {
    await applyRuleset(nft, mirror.rules.current, ingress);
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    // What is there now is not known; the plan works whatever is there.
    mirror.rules.current.delete(tableKey(ingressTable.family, ingressTable.name));
    mirror.rules.distrust();
    for (const name of linksIn(ingress)) {
      const link = mirror.linkNamed(name);
      const taken = link && mirror.takenBy(link);
      if (link === undefined || taken === undefined) continue;
      const words = `${whyTaken(name, taken)}, and its frames cannot be limited to its own addresses: ${messageOf(error)}`;
      failed.set(link.ifindex, new ProtectNetworkError('refused', words));
    }
  }
  return failed;
}

/** Of the plan's part, what puts back: all of it, where a link that had its chain, and should have the same, has it no more. */
export function ingressPutBack(
  { ingress }: Plan,
  desired: Desired | undefined,
  { open, served }: Pick<PassScope, 'open' | 'served'>,
): Plan['ingress'] {
  const isTakenAway = linksIn(ingress).some((name) => {
    const zone = desired?.byLink.get(name as LinkName);
    const before = zone !== undefined && open.has(zone.ifindex) ? served.get(zone.ifindex) : undefined;
    return before?.taken !== undefined && before.addresses.join() === zone?.addresses.join();
  });
  return isTakenAway ? ingress : [];
}

function linksIn(ingress: Plan['ingress']): string[] {
  return ingress.flatMap((command) =>
    command.kind === 'add-chain' && command.hook !== undefined ? [command.chain] : [],
  );
}
