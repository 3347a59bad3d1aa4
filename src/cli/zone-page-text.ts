/** One zone on a page, for people and for programs. Pure. */
import type { Report } from '../explain/walk.ts';
import type { TableRoute } from '../host/routing-tables.ts';
import { policyStates } from '../policy/model.ts';
import { egressOf } from '../policy/select.ts';
import { type DropRow, dropJson } from './drops-text.ts';
import { fixLines } from './explain-text.ts';
import { type FlowView, flowJson, flowTable, notesOn } from './flows-text.ts';
import { entryLines } from './logs-text.ts';
import { leaseLines, zoneJson, zoneText } from './policy-show.ts';
import { zoneTones } from './status-zones.ts';
import { printable } from './terminal.ts';
import { cut, wrapped } from './text-width.ts';
import { bytes, count, duration, localTime, plural } from './units.ts';
import type { Part, ZonePage } from './zone-page.ts';

const labelWidth = 'Connections  '.length;
/** Of each part: what is more is counted, and the command that has all of it named. */
const most = { policy: 8, leases: 6, rules: 4, routes: 6, neighbours: 6 } as const;

export function zonePageLines(page: ZonePage, view: FlowView): string[] {
  const lines = [
    ...titleLines(page, view),
    ...addressLines(page, view),
    ...trafficLines(page, view),
    ...dropLines(page, view),
    ...policyLines(page, view),
    ...routeLines(page, view),
    ...gatewayLines(page, view),
    ...connectionLines(page, view),
    ...logLines(page, view),
  ];
  return lines.map((line) => line.trimEnd());
}

function titleLines({ zone, status }: ZonePage, { now, width, paint }: FlowView): string[] {
  const called = zone.name === undefined ? zone.link : `${printable(zone.name)} (${zone.link})`;
  if (!status.ok) return wrapped(`${called}: the daemon does not say how it is: ${printable(status.why)}`, width);
  const { value } = status;
  if (value === undefined) return wrapped(`${called}: the daemon knows no such link`, width);
  const { state, since, reason, fix, carrier, takenBy } = value;
  const why = reason === null ? [] : [`: ${printable(reason)}`];
  const more = [
    ...(takenBy === null ? [] : [`taken by ${printable(takenBy.device)}`]),
    ...(state === 'ready' && carrier === false ? ['no carrier: the guest’s interface is down'] : []),
  ];
  const head = `${called}: ${state} for ${duration(now - since)}, since ${localTime(since)}${[...why, ...more.map((each) => `, ${each}`)].join('')}`;
  const [first = '', ...rest] = wrapped(head, width);
  return [
    first.replace(`: ${state}`, `: ${paint(zoneTones[state], state)}`),
    ...rest,
    ...(fix === null ? [] : wrapped(`fix: ${printable(fix)}`, width, '  ')),
  ];
}

function addressLines({ zone, explained }: ZonePage, { width }: FlowView): string[] {
  const addresses = zone.addresses.length === 0 ? 'none' : zone.addresses.join(', ');
  if (!explained.ok) return fact('Addresses', `${addresses}; who says so is not known`, width);
  const { facts } = explained.value;
  if (facts === undefined || facts.directory === null)
    return fact('Addresses', `${addresses}; no directory says so now`, width);
  const origin = facts.origin === null ? '' : ` (${facts.origin})`;
  const refused = facts.refused === null ? '' : `; refused: ${facts.refused}`;
  return fact('Addresses', `${addresses}; as ${facts.directory} says${origin}${refused}`, width);
}

function trafficLines({ traffic }: ZonePage, { width }: FlowView): string[] {
  if (!traffic.ok) return missing('Traffic', traffic, width);
  if (traffic.value === undefined) return fact('Traffic', 'nothing is counted: the link is not served', width);
  const { sent, received, perSecond } = traffic.value;
  const one = (counter: typeof sent, rate: number) =>
    `${bytes(counter.bytes)} (${plural(counter.packets, 'packet')}, ${bytes(rate)}/s)`;
  return fact('Traffic', `${one(sent, perSecond.sent)} sent, ${one(received, perSecond.received)} received`, width);
}

function dropLines({ drops }: ZonePage, view: FlowView): string[] {
  if (!drops.ok) return missing('Dropped', drops, view.width);
  if (drops.value.length === 0) return fact('Dropped', 'nothing', view.width);
  return section(
    'Dropped',
    drops.value.map((row) => dropText(row, view)),
    view,
  );
}

/** `source 12k packets; last 10.75.0.99 to 203.0.113.7, 1m 5s ago` */
function dropText({ kind, counter, last }: DropRow, { now }: FlowView): string {
  const packets = `${kind} ${count(counter.packets)} ${counter.packets === 1 ? 'packet' : 'packets'}`;
  if (last === undefined) return packets;
  const from = last.source === null ? '' : `${last.source} `;
  return `${packets}; last ${from}to ${last.destination}, ${duration(now - last.at)} ago`;
}

function policyLines({ zone, config, names, leases, status }: ZonePage, view: FlowView): string[] {
  const egress = egressOf(config.policies, zone);
  const told = status.ok ? status.value?.policy : undefined;
  const state = egress === undefined ? 'none' : policyStates[egress.mode];
  const doubt = told === undefined || told === state ? '' : `; the daemon has ${told} in force`;
  const [, ...rules] = zoneText(config, zone, names);
  const [, ...open] = leaseLines(leases);
  const more = `protect-network policy show ${zone.link}`;
  return [
    ...fact('Policy', `${state}${doubt}`, view.width),
    ...(egress === undefined && rules.length === 0 ? [] : indented(bounded(rules, most.policy, more), view)),
    ...(open.length === 0 ? [] : indented(['open by names now:', ...bounded(open, most.leases, more)], view)),
  ];
}

function routeLines({ routing, neighbours, explained, zone }: ZonePage, view: FlowView): string[] {
  const routes = !routing.ok
    ? missing('Routes', routing, view.width)
    : section(
        'Routes',
        bounded(
          [
            ...routing.value.routes.map(routeText),
            ...routing.value.policyRules.map(
              ({ priority, table, action }) => `policy rule ${priority}: ${action ?? `table ${table ?? '?'}`}`,
            ),
          ],
          most.routes,
          `ip route show dev ${zone.link}`,
        ),
        view,
      );
  const rules = !explained.ok
    ? missing('Rules', explained, view.width)
    : section('Rules', bounded(explained.value.rules, most.rules, `nft -a list ruleset | grep ${zone.link}`), view);
  const known = !neighbours.ok
    ? missing('Neighbours', neighbours, view.width)
    : section(
        'Neighbours',
        bounded(
          neighbours.value.map(({ dst, state }) => `${dst} ${state.join(',')}`),
          most.neighbours,
          `ip neigh show dev ${zone.link}`,
        ),
        view,
      );
  return [...routes, ...rules, ...known];
}

function routeText({ type, dst, table, protocol, gateway }: TableRoute): string {
  const kind = type === 'unicast' ? '' : `${type} `;
  const via = gateway === undefined ? '' : ` via ${gateway}`;
  return `${kind}${dst}${via} (protocol ${protocol}${table === 'main' ? '' : `, table ${table}`})`;
}

function gatewayLines({ explained }: ZonePage, view: FlowView): string[] {
  if (!explained.ok) return missing('Uplink', explained, view.width);
  return section('Uplink', explained.value.reports.flatMap(reportLines), view);
}

function reportLines({ verdict, packet, because, cause, decisive }: Report): string[] {
  if (verdict === 'passes') return [`✓ ${packet}: passes`];
  const fixes = (cause ?? decisive)?.fix ?? [];
  return [`${verdict === 'blocked' ? '✗' : '?'} ${packet}: ${because}`, ...fixes.flatMap(fixLines)];
}

function connectionLines({ connections }: ZonePage, view: FlowView): string[] {
  if (!connections.ok) return missing('Connections', connections, view.width);
  const { count: all, flows, kept } = connections.value;
  if (!kept.tracks) return fact('Connections', 'this kernel tracks none', view.width);
  if (all === 0) return fact('Connections', 'none', view.width);
  const shown = flows.length < all ? `${all}, of which these ${flows.length}` : String(all);
  const notes = notesOn(kept).flatMap((note) => wrapped(note, view.width, '  '));
  const lines = flowTable(flows, { ...view, width: view.width - 2 });
  return [...fact('Connections', shown, view.width), ...lines.map((line) => `  ${line}`), ...notes];
}

function logLines({ log }: ZonePage, { width, paint }: FlowView): string[] {
  if (!log.ok) return missing('Log', log, width);
  if (log.value.length === 0) return fact('Log', 'nothing about it', width);
  const plain = log.value.flatMap((entry) => entryLines(entry, (_tone, text) => text));
  return [paint('plain', 'Log'), ...plain.map((line) => `  ${cut(line, width - 2)}`)];
}

/** One on the label's line, several below it. */
function section(label: string, items: readonly string[], view: FlowView): string[] {
  if (items.length === 0) return fact(label, 'none', view.width);
  const [first = '', ...rest] = items;
  return [
    ...fact(label, printable(first), view.width),
    ...rest.flatMap((item) => fact('', printable(item), view.width)),
  ];
}

function indented(items: readonly string[], { width }: FlowView): string[] {
  return items.flatMap((item) => wrapped(printable(item), width, '  '));
}

function bounded(items: readonly string[], limit: number, command: string): string[] {
  if (items.length <= limit) return [...items];
  return [...items.slice(0, limit), `… ${items.length - limit} more: ${command}`];
}

function missing(label: string, { why }: Extract<Part<unknown>, { ok: false }>, width: number): string[] {
  return fact(label, `cannot be had: ${printable(why)}`, width);
}

function fact(label: string, text: string, width: number): string[] {
  return wrapped(printable(text), width, label.padEnd(labelWidth));
}

export function zonePageJson(page: ZonePage, now: number): object {
  const { zone, config, status, explained, traffic, drops, leases, connections, routing, neighbours, log } = page;
  const told = <Value>(part: Part<Value>, value: (of: Value) => unknown) =>
    part.ok ? value(part.value) : { error: part.why };
  return {
    link: zone.link,
    zone: zone.name ?? null,
    addresses: zone.addresses,
    status: told(status, (value) => value ?? null),
    directory: told(explained, ({ facts }) => facts ?? null),
    traffic: told(traffic, (value) => value ?? null),
    drops: told(drops, (rows) => rows.map(dropJson)),
    policy: zoneJson(config, zone),
    leases: leases.map(({ link: _link, ...lease }) => lease),
    connections: told(connections, ({ count: all, flows, kept }) => {
      return { count: all, flows: flows.map((flow) => flowJson(flow, now)), notes: notesOn(kept) };
    }),
    routing: told(routing, (value) => value),
    rules: told(explained, ({ rules }) => rules),
    neighbours: told(neighbours, (value) => value),
    uplink: told(explained, ({ reports }) =>
      reports.map(({ packet, verdict, because }) => ({ packet, verdict, because })),
    ),
    log: told(log, (entries) => entries.map(({ at, unit, priority, message }) => ({ at, unit, priority, message }))),
  };
}
