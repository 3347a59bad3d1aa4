/** `protect-network capture`: the packets of one zone's link, and which of them this host has dropped, in one file. */
import { dropChains, tracedPerSecond } from '../capture/dropped.ts';
import { Drops } from '../capture/drops.ts';
import { readPcap } from '../capture/pcap.ts';
import { fetchStatus } from '../control/fetch-status.ts';
import type { CaptureHost, PacketStream } from '../host/capture-host.ts';
import { createCaptureHost } from '../host/index.ts';
import { linkNames } from '../host/link-names.ts';
import type { PacketTrace } from '../host/trace.ts';
import type { Address } from '../model/address.ts';
import { ExitCode, hasCode, messageOf, ProtectNetworkError } from '../model/errors.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import { type Output, type OutputOptions, openOutput } from './capture-output.ts';
import { findControlSocket } from './control-socket.ts';
import { endable } from './ending.ts';
import { print, printable, warn } from './terminal.ts';
import { plural } from './units.ts';

export interface CaptureOptions extends OutputOptions {
  /** A link or a name. */
  readonly zone: string;
  /** In the language of pcap-filter(7). */
  readonly filter: string | undefined;
  readonly seconds: number;
}

interface Subject {
  readonly link: LinkName;
  readonly addresses: readonly Address[];
}

export async function capturePackets(settingsPath: string, options: CaptureOptions): Promise<ExitCode> {
  const subject = await subjectOf(settingsPath, options.zone);
  const host = createCaptureHost();
  return endable(async (ending) => {
    const end = () => ending.abort();
    const output = openOutput(subject.link, options, end);
    const timer = setTimeout(end, options.seconds * 1000);
    try {
      const said = await record(host, subject, options, output, ending);
      await tellEnd(output, said);
      return ExitCode.ok;
    } catch (error) {
      output.discard();
      throw error;
    } finally {
      clearTimeout(timer);
      output.close();
    }
  });
}

interface Recorded {
  readonly atLink: number;
  readonly dropped: number;
  /** Packets that tcpdump was too slow for. */
  readonly lost: number;
  readonly isSampled: boolean;
}

/** Both sides at once, until `ending` is aborted. */
async function record(
  host: CaptureHost,
  { link, addresses }: Subject,
  { filter, seconds, bytes }: CaptureOptions,
  output: Output,
  ending: AbortController,
): Promise<Recorded> {
  const live = listen(host, link, filter);
  const drops = new Drops(host, filter);
  const stop = () => {
    live?.stop();
    drops.end();
  };
  ending.signal.addEventListener('abort', stop);
  if (ending.signal.aborted) stop();
  let trace: PacketTrace | undefined;
  try {
    trace = await host.trace(dropChains(link, addresses), (event) => drops.heard(event));
    if (live === undefined || (await live.begun))
      warn(`capturing ${link} for ${seconds} s or ${bytes / 1_000_000} MB into ${output.name}; Ctrl-C ends it`);
    // One that fails, as with a filter that is none, ends the other.
    const [seen, dropped] = await Promise.all(
      [
        count(live === undefined ? [] : readPcap(live.pcap), (packet) => output.write('link', packet)),
        count(drops.packets(), (packet) => output.write('dropped', packet, drops.commentOn(packet))),
      ].map((each) =>
        each.catch((error) => {
          ending.abort();
          throw error;
        }),
      ),
    );
    return { atLink: seen ?? 0, dropped: dropped ?? 0, lost: live?.lost() ?? 0, isSampled: drops.isSampled };
  } finally {
    stop();
    await trace?.close();
  }
}

/** Undefined where tcpdump is not installed: then only what is dropped is seen. */
function listen(host: CaptureHost, link: LinkName, filter: string | undefined): PacketStream | undefined {
  try {
    return host.listen(link, filter);
  } catch (error) {
    if (filter !== undefined || !hasCode(error, 'tool-missing')) throw error;
    warn(`only what is dropped is captured: ${messageOf(error)}`);
    return undefined;
  }
}

async function count<T>(values: AsyncIterable<T> | Iterable<T>, use: (value: T) => boolean): Promise<number> {
  let number = 0;
  for await (const value of values) {
    if (use(value)) number += 1;
  }
  return number;
}

async function tellEnd({ name }: Output, { atLink: seen, dropped, lost, isSampled }: Recorded): Promise<void> {
  const text = `${name}: ${plural(seen, 'packet')} at the link, ${dropped} dropped`;
  if (name === 'standard output') warn(text);
  else await print(`${printable(text)}\n`);
  if (lost > 0)
    warn(`${plural(lost, 'packet')} came faster than they could be written, and ${lost === 1 ? 'is' : 'are'} missing`);
  if (isSampled)
    warn(`at most ${tracedPerSecond} packets of a kind are traced in a second: more may have been dropped`);
}

/** Throws `refused` where there is no such zone, `conflict` where there are several. */
async function subjectOf(settingsPath: string, zone: string): Promise<Subject> {
  const found = (await zonesAt(settingsPath)).filter(({ link, name }) => link === zone || name === zone);
  const [first, second] = found;
  if (first !== undefined && second !== undefined)
    throw new ProtectNetworkError('conflict', `${first.link} and ${second.link} are both named ${zone}; give the link`);
  const link = parseLinkName(first?.link ?? zone);
  if (link !== undefined && linkNames().has(link)) return { link, addresses: first?.addresses ?? [] };
  throw new ProtectNetworkError(
    'refused',
    `there is no zone ${JSON.stringify(zone)} with a link on this host; see protect-network status`,
  );
}

/** None where there is no daemon: a link can be captured all the same. */
async function zonesAt(settingsPath: string) {
  try {
    return (await fetchStatus(await findControlSocket(settingsPath))).zones;
  } catch (error) {
    if (!hasCode(error, 'unreachable', 'timeout', 'garbled', 'refused')) throw error;
    warn(`zones are known by their links only: ${messageOf(error)}`);
    return [];
  }
}
