/** Which routes to take away and which to add. A link must be up before it can have one, so bringing it up is part of it. */
import type { Link, RtnetlinkChange } from '../host/port.ts';
import { type Address, type Prefix, parsePrefix } from '../model/address.ts';
import type { DesiredRoutes } from './model.ts';

export interface RoutesPlan {
  readonly withdraw: RtnetlinkChange[];
  readonly install: RtnetlinkChange[];
}

/** `link` undefined: it is gone, and the kernel has taken its routes along. */
export function planLinkRoutes(
  link: Link | undefined,
  desired: DesiredRoutes | undefined,
  present: ReadonlySet<Address>,
): RoutesPlan {
  if (link === undefined) return { withdraw: [], install: [] };
  const wanted = new Set(desired?.addresses ?? []);
  const { ifindex } = link;
  const withdraw = [...present]
    .filter((address) => !wanted.has(address))
    .map((address): RtnetlinkChange => ({ kind: 'route-del', ifindex, address }));
  const up: RtnetlinkChange[] = desired !== undefined && !link.up ? [{ kind: 'link-up', ifindex }] : [];
  const missing = [...wanted]
    // A link that is down has no routes, whatever was seen before it went down.
    .filter((address) => !link.up || !present.has(address))
    .map((address): RtnetlinkChange => ({ kind: 'route-add', ifindex, address }));
  return { withdraw, install: [...up, ...missing] };
}

/**
 * The host answers for the zones' gateway by a `local` route. Without it, proxy ARP for the gateway would depend on
 * some other route of the host covering it, such as a default route.
 */
export function planGateways(gateways: readonly Address[], present: ReadonlySet<Address>, prune: boolean): RoutesPlan {
  const wanted = new Set(gateways);
  return {
    withdraw: prune
      ? [...present].filter((address) => !wanted.has(address)).map((address) => ({ kind: 'local-del', address }))
      : [],
    install: gateways.filter((address) => !present.has(address)).map((address) => ({ kind: 'local-add', address })),
  };
}

/** A dead address of a block would leave by the default route otherwise, and come back for as long as packets live. */
export function planBlocks(blocks: readonly Prefix[], present: ReadonlySet<string>, prune: boolean): RoutesPlan {
  const wanted = new Set(blocks.map(({ text }) => text));
  const leftover = prune ? [...present].filter((text) => !wanted.has(text)) : [];
  return {
    withdraw: leftover.flatMap((text) => blockDeletion(text) ?? []),
    install: blocks.filter(({ text }) => !present.has(text)).map((prefix) => ({ kind: 'block-add', prefix })),
  };
}

export function blockDeletion(text: string): RtnetlinkChange | undefined {
  const prefix = parsePrefix(text);
  return prefix && { kind: 'block-del', prefix };
}
