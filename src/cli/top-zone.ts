/** One zone on a page of `top`: what the daemon knows of it, and its rates over the last minutes. Pure. */
import type { ZoneStatus } from '../control/status.ts';
import type { Counter } from '../nft/counters.ts';
import { dropKinds } from '../nft/names.ts';
import { type BarStyle, historyBar } from './history-bar.ts';
import type { Paint } from './paint.ts';
import type { Rate } from './rates.ts';
import { fact } from './status-text.ts';
import { bytesPerSecond, stateText } from './status-zones.ts';
import { textWidth, wrapped } from './text-width.ts';
import { bytes, count, duration, plural } from './units.ts';

export interface ZonePage {
  readonly zone: ZoneStatus;
  /** The oldest first, one a second. */
  readonly history: readonly Rate[];
  readonly now: number;
  readonly width: number;
  readonly paint: Paint;
  readonly bars: BarStyle;
}

export function zonePage({ zone, history, now, width, paint, bars }: ZonePage): string[] {
  const { link, name, addresses, directory, origin, reason, fix, policy, leases, lastForgery, lastUnassigned } = zone;
  const line = (label: string, text: string | null) => (text === null ? [] : fact(label, text, width));
  const told = (last: ZoneStatus['lastForgery']) =>
    last === null ? null : `from ${last.source} to ${last.destination}, ${duration(now - last.at)} ago`;
  const last = history.at(-1);
  const bar = (what: keyof Rate) => {
    const room = Math.min(history.length, width - textWidth(fact('', '.', width)[0] ?? '') + 1);
    const text = historyBar(
      history.map((rate) => rate[what]),
      room,
      bars,
    );
    return text.trim() === '' ? [] : fact('', text, Number.POSITIVE_INFINITY);
  };
  const drops = dropKinds.flatMap((kind) => {
    const packets = zone.dropped[kind]?.packets ?? 0;
    return packets === 0 ? [] : [`${kind} ${count(packets)}`];
  });
  const title = `${link}${name === null ? '' : ` ${name}`}: ${stateText(zone)} for ${duration(now - zone.since)}`;
  return [
    ...wrapped(title.replaceAll('\n', ' '), width).map((text) => paint('strong', text)),
    '',
    ...line('Addresses', addresses.join(', ') || 'none'),
    ...line('Directory', directory === null ? 'none knows it' : `${directory}${origin === null ? '' : ` (${origin})`}`),
    ...line('Why', reason),
    ...line('Fix', fix),
    ...line('Taken by', zone.takenBy && [zone.takenBy.kind, zone.takenBy.device].filter(Boolean).join(' ')),
    ...line('Policy', policy === 'none' ? null : `${policy}, ${plural(leases, 'address', 'addresses')} open by names`),
    '',
    ...line('Sent', traffic(zone.sent, last?.sent)),
    ...bar('sent'),
    ...line('Received', traffic(zone.received, last?.received)),
    ...bar('received'),
    ...line('Dropped', drops.join(', ') || 'nothing'),
    ...bar('dropped'),
    ...line('Spoofed', told(lastForgery)),
    ...line('Unassigned', told(lastUnassigned)),
  ];
}

function traffic(counter: Counter | null, rate: number | null | undefined): string {
  if (counter === null) return 'not known';
  return `${bytesPerSecond(rate)}/s; ${bytes(counter.bytes)}, ${count(counter.packets)} packets`;
}
