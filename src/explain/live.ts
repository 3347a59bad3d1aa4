/**
 * Confirms by real packets. dom0 cannot make a packet enter by a zone's link, so that three things are done and said apart:
 * dom0's own echo request to the zone, dom0's own to the other side, and the zone's next packets of the kind in question,
 * followed through all chains by nft's trace.
 */
import type { LiveHost } from '../host/live-host.ts';
import { traceTable } from '../host/trace-table.ts';
import type { Address } from '../model/address.ts';
import { isZoneLink } from './conversation.ts';
import type { Packet } from './packet.ts';
import type { Ruleset } from './ruleset.ts';
import { type Step, step } from './step.ts';
import { groupTraces, judgeTraces, parseTraceLine, type TraceEvent, traceChains } from './trace.ts';
import type { Report } from './walk.ts';

export interface LiveOptions {
  readonly host: LiveHost;
  readonly ruleset: Ruleset;
  readonly seconds: number;
  /** Ends the watch early. */
  readonly signal: AbortSignal;
  /** Told what the person should do now. */
  readonly prompt: (text: string) => void;
}

/** Bounds what a chatty zone can make us keep; the trace itself is limited to five packets a second. */
const maxEvents = 2000;
/** One packet says all; a second shows that the first was no exception. */
const enoughRequests = 2;

/** The report with a section `live`; its verdict stays what was computed. */
export async function confirm(report: Report, options: LiveOptions): Promise<Report> {
  const packet = report.facts;
  if (packet === null) return report;
  const steps = [...(await probe(packet, options.host)), ...(await watch(report, packet, options))];
  return { ...report, sections: [...report.sections, { title: 'live', steps }] };
}

async function probe({ source, destination, input }: Packet, host: LiveHost): Promise<Step[]> {
  const [zone, other] = isZoneLink(input) ? [source, destination] : [destination, source];
  return [
    await echoStep(host, zone, 'the zone', 'which needs its link, its route and its kernel, and no forwarding'),
    await echoStep(host, other, 'the other side', 'which needs this host’s own way there, and no rule for zones'),
  ];
}

async function echoStep(host: LiveHost, address: Address, who: string, meaning: string): Promise<Step> {
  const answered = await host.echo(address);
  if (answered === undefined) return step('probe', 'note', `${who} was not probed: ping is not installed`);
  const text = `${who} (${address}) ${answered ? 'answers' : 'does not answer'} an echo request of dom0’s, ${meaning}`;
  return step('probe', answered ? 'good' : 'note', text);
}

async function watch(report: Report, packet: Packet, options: LiveOptions): Promise<Step[]> {
  const { host, ruleset, seconds, signal, prompt } = options;
  const events: TraceEvent[] = [];
  const enough = new AbortController();
  const trace = await host.trace(traceChains(packet, tracks(ruleset)), (line) => {
    const event = parseTraceLine(line);
    if (event !== undefined && events.length < maxEvents) events.push(event);
    if (groupTraces(events, traceTable).requests.length > enoughRequests) enough.abort();
  });
  try {
    prompt(`watching for ${report.packet} for ${seconds} s: send it now`);
    await until(seconds * 1000, AbortSignal.any([signal, enough.signal]));
  } finally {
    await trace.close();
  }
  const observed = groupTraces(events, traceTable);
  const rule = report.decisive?.rule?.where;
  if (observed.requests.length > 0) return judgeTraces(observed, report.verdict, rule, ruleset);
  const text = `no such packet came by ${packet.input ?? '?'} within ${seconds} s: nothing is confirmed, and nothing contradicted`;
  return [
    step('trace', 'note', text, {
      details: ['a packet dropped at ingress, or never sent by the zone, is not seen either'],
    }),
  ];
}

/** Whether somebody's rules have connection tracking switched on already. */
function tracks(ruleset: Ruleset): boolean {
  return (
    JSON.stringify(ruleset.map(({ chains }) => [...chains.values()])).match(
      /"(ct|masquerade|snat|dnat)"|"type":"nat"/,
    ) !== null
  );
}

function until(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
