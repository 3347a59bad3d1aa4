/**
 * What `capture` does on a real host. Bytes of a zone's are parsed by nobody with privileges: tcpdump gives root up once it
 * listens, the kernel copies headers of what is dropped, and both are handed on as they are.
 */
import { readFileSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { execa } from 'execa';
import type { LinkName } from '../model/link-name.ts';
import { refusal } from './classify.ts';
import type { Tools } from './tools.ts';
import { type PacketTrace, type TraceEvent, tracePackets } from './trace.ts';

export interface PacketStream {
  /** In the format of pcap(5), as it comes. Throws `refused` with tcpdump's words where it fails. */
  readonly pcap: AsyncIterable<Buffer>;
  /** Once it misses nothing any more; false where it has ended instead. */
  readonly begun: Promise<boolean>;
  /** Ends it; what has come until then is still handed on. */
  stop(): void;
  /** Packets that came and that tcpdump was too slow for; once it has ended. */
  lost(): number;
}

export interface CaptureHost {
  /** All packets of a link, both ways. Throws `tool-missing`. `filter`: in the language of pcap-filter(7). */
  listen(link: LinkName, filter: string | undefined): PacketStream;
  /** Those of `pcap` that match. Throws `tool-missing`. */
  filtered(pcap: AsyncIterable<Buffer>, filter: string): PacketStream;
  /** See `tracePackets`. */
  trace(chains: string, listener: (event: TraceEvent) => void): Promise<PacketTrace>;
}

/** The kernel hands packets on after a second at the latest (tcpdump's pcap_set_timeout), and tcpdump leaves behind what it has not got when it ends. */
const handedOnMs = 1_200;
/** Of tcpdump's words on stderr. */
const maxComplaint = 4_000;

export function captureHost(tools: Tools): CaptureHost {
  return {
    listen: (link, filter) => start(tools, ['-i', link], filter, undefined),
    filtered: (pcap, filter) => start(tools, ['-r', '-'], filter, pcap),
    trace: (chains, listener) => tracePackets(tools, chains, listener),
  };
}

function start(
  tools: Tools,
  what: readonly string[],
  filter: string | undefined,
  input: AsyncIterable<Buffer> | undefined,
): PacketStream {
  // Behind `--` nothing is an option: tcpdump has some that start programs.
  const args = ['-n', '-U', '-w', '-', '-Z', whoListens(), ...what, '--', ...(filter === undefined ? [] : [filter])];
  const child = execa(tools.path('tcpdump'), args, {
    stdin: input === undefined ? 'ignore' : 'pipe',
    buffer: false,
    reject: false,
    env: tools.environment,
    extendEnv: false,
  });
  // At once: execa throws away what nobody takes in the first turn of the event loop.
  const output = child.stdout?.pipe(new PassThrough());
  const begun = Promise.withResolvers<boolean>();
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(-maxComplaint);
    if (/listening on|reading from/.test(complaint)) begun.resolve(true);
  });
  if (input !== undefined && child.stdin) {
    // It may end before its input does: then its own words say why.
    child.stdin.on('error', () => undefined);
    Readable.from(input).pipe(child.stdin);
  }
  void child.then(() => begun.resolve(false));
  let isStopped = false;
  async function* pcap(): AsyncIterable<Buffer> {
    try {
      for await (const chunk of output ?? []) yield chunk as Buffer;
      const { exitCode } = await child;
      if (exitCode !== 0 && !isStopped) throw refusal('tcpdump', wordsOf(complaint));
    } finally {
      child.kill('SIGTERM');
    }
  }
  return {
    pcap: pcap(),
    begun: begun.promise,
    stop: () => {
      if (isStopped) return;
      isStopped = true;
      setTimeout(() => child.kill('SIGINT'), handedOnMs);
    },
    lost: () => Number(/(\d+) packets? dropped by kernel/.exec(complaint)?.[1] ?? 0),
  };
}

/** Debian's package makes the first; the other is everywhere. */
function whoListens(): string {
  return /^tcpdump:/m.test(readFileSync('/etc/passwd', 'utf8')) ? 'tcpdump' : 'nobody';
}

/** Without what it says of a link that it listens to. */
function wordsOf(complaint: string): string {
  const lines = complaint.split('\n').filter((line) => line.trim() !== '' && !/listening on|reading from/.test(line));
  return lines.map((line) => line.replace(/^tcpdump: /, '')).join('; ');
}
