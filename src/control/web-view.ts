/** What the web view shows: of the status, what is fit for who may read the metrics. What `GET /v1/view` answers. Pure. */
import { dropKinds } from '../nft/names.ts';
import type { RepairStatus, Status, ZoneStatus } from './status.ts';
import { type Cause, causesOf } from './verdict.ts';

/** Times are Unix milliseconds. */
export interface WebView extends Pick<Status, 'version' | 'state' | 'startedAt' | 'uplinks' | 'repairs' | 'warnings'> {
  /** Of the host's name. */
  readonly host: string;
  /** When it was read: rates are differences between two of them. */
  readonly at: number;
  readonly causes: readonly Cause[];
  readonly lastRepairs: readonly Pick<RepairStatus, 'at' | 'milliseconds' | 'culprits' | 'what'>[];
  readonly zones: readonly WebZone[];
}

export interface WebZone
  extends Pick<
    ZoneStatus,
    'link' | 'name' | 'addresses' | 'state' | 'since' | 'reason' | 'fix' | 'carrier' | 'policy'
  > {
  /** Bytes; null where they could not be read. */
  readonly sent: number | null;
  readonly received: number | null;
  /** Packets, of the kinds of which there are any. */
  readonly dropped: Readonly<Record<string, number>>;
}

export function webView(status: Status, host: string, at: number): WebView {
  const { version, state, startedAt, uplinks, repairs, warnings, lastRepairs, zones } = status;
  return {
    host,
    at,
    version,
    state,
    startedAt,
    uplinks,
    repairs,
    warnings,
    causes: causesOf(status),
    lastRepairs: lastRepairs.map(({ at, milliseconds, culprits, what }) => ({ at, milliseconds, culprits, what })),
    zones: zones.map(webZone),
  };
}

function webZone(zone: ZoneStatus): WebZone {
  const { link, name, addresses, state, since, reason, fix, carrier, policy, sent, received, dropped } = zone;
  const drops = dropKinds.flatMap((kind) => {
    const packets = dropped[kind]?.packets ?? 0;
    return packets === 0 ? [] : [[kind, packets] as const];
  });
  return {
    link,
    name,
    addresses,
    state,
    since,
    reason,
    fix,
    carrier,
    policy,
    sent: sent?.bytes ?? null,
    received: received?.bytes ?? null,
    dropped: Object.fromEntries(drops),
  };
}
