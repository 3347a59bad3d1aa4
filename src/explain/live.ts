/**
 * Confirms by real packets. dom0 cannot make a packet enter by a zone's link, so that three things are done and reported separately:
 * dom0's own echo request to the zone, dom0's own to the other side, and the zone's next packets of the kind in question,
 * followed through all chains by the kernel's trace. What the zone says of itself meanwhile is heard as well.
 */
import type { LiveHost } from '../host/live-host.ts';
import type { TraceEvent } from '../host/trace.ts';
import { traceTable } from '../host/trace-table.ts';
import { type Address, familyOf } from '../model/address.ts';
import { isZoneLink } from '../model/link-name.ts';
import type { Packet } from '../rules/packet.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import type { Facts } from './facts.ts';
import { type Expected, hearingTable, judgeHeard } from './judge-heard.ts';
import { groupTraces, judgeTraces, traceChains } from './judge-trace.ts';
import { type Step, step } from './step.ts';
import type { Report } from './walk.ts';

export interface LiveOptions {
  readonly host: LiveHost;
  /** What the reports were computed with. */
  readonly facts: Facts;
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
  return { ...report, sections: [...report.sections, { title: 'live', steps: await watch(report, packet, options) }] };
}

async function probe({ source, destination, input }: Packet, host: LiveHost): Promise<Step[]> {
  const [zone, other] = isZoneLink(input) ? [source, destination] : [destination, source];
  return [
    await echoStep(host, zone, 'the zone', 'which tests its link, route and kernel, but not forwarding'),
    await echoStep(host, other, 'the other side', 'which tests this host’s own route there, but no rule for zones'),
  ];
}

async function echoStep(host: LiveHost, address: Address, who: string, meaning: string): Promise<Step> {
  const answered = await host.echo(address);
  if (answered === undefined) return step('probe', 'note', `${who} was not probed: ping is not installed`);
  const text = `${who} (${address}) ${answered ? 'answers' : 'does not answer'} an echo request from dom0, ${meaning}`;
  return step('probe', answered ? 'good' : 'note', text);
}

/** The probes come while the link is listened to: a zone whose address is another one says so when it is asked. */
async function watch(report: Report, packet: Packet, options: LiveOptions): Promise<Step[]> {
  const { host, facts, seconds, signal, prompt } = options;
  const events: TraceEvent[] = [];
  const enough = new AbortController();
  const expected = expectedOf(report, packet, facts);
  const trace = await host.trace(traceChains(packet, tracks(facts.ruleset)), (event) => {
    if (events.length < maxEvents) events.push(event);
    if (groupTraces(events, traceTable).requests.length > enoughRequests) enough.abort();
  });
  try {
    const deaf = await host.hear(hearingTable(expected));
    const probes = await probe(packet, host);
    prompt(`watching for ${report.packet} for ${seconds} s: send it now`);
    await until(seconds * 1000, AbortSignal.any([signal, enough.signal]));
    const heard =
      deaf === undefined
        ? judgeHeard(await host.heard(), expected, seconds)
        : [step('heard', 'note', `what ${report.link} says of itself cannot be heard: ${deaf}`)];
    return [...probes, ...heard, ...traceSteps(report, packet, events, options)];
  } finally {
    await trace.close();
  }
}

function expectedOf({ link, addresses }: Report, { family }: Packet, { snapshot }: Facts): Expected {
  const { gateway, prefix } = snapshot.subnets[family] ?? {};
  return { link, family, addresses: addresses.filter((each) => familyOf(each) === family), gateway, subnet: prefix };
}

function traceSteps(report: Report, { input }: Packet, events: readonly TraceEvent[], options: LiveOptions): Step[] {
  const { facts, seconds } = options;
  const observed = groupTraces(events, traceTable);
  const rule = report.decisive?.rule?.where;
  if (observed.requests.length > 0) return judgeTraces(observed, report.verdict, rule, facts.ruleset);
  const text = `no such packet arrived on ${input ?? '?'} within ${seconds} s: nothing is confirmed or contradicted`;
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
