/** `protect-network doctor`: what of this host keeps zones from their network, or may. Changes nothing. */
import type { ConfigPaths } from '../config/config.ts';
import { fetchStatus } from '../control/fetch-status.ts';
import { diagnose, mustBeMended } from '../doctor/diagnose.ts';
import type { Finding, Level } from '../doctor/finding.ts';
import type { DaemonFacts, ZonesFacts } from '../doctor/host-snapshot.ts';
import { observe } from '../doctor/observe-host.ts';
import { findingLines } from '../doctor/text.ts';
import { zonesOfLook } from '../doctor/zone-facts.ts';
import { createHost, createOutlook, createSurvey } from '../host/index.ts';
import { describeHolder, findLockHolder } from '../host/network-lock.ts';
import type { Host } from '../host/port.ts';
import { procSysctl } from '../host/sysctl.ts';
import { ExitCode, hasCode, messageOf, ProtectNetworkError } from '../model/errors.ts';
import { type DataFormat, printData } from './listing.ts';
import { lookOnce } from './once.ts';
import { painter, type Tone } from './paint.ts';
import { print, printable, standardOutput } from './terminal.ts';
import { wrapped } from './text-width.ts';
import { version } from './version.ts';

export interface DoctorOptions {
  readonly data: DataFormat | undefined;
  readonly noColor: boolean;
}

export async function examineHost(paths: ConfigPaths, options: DoctorOptions): Promise<ExitCode> {
  const host = hostOrNone();
  const outlook = createOutlook();
  try {
    const askDirectories = (present: Host) => askOnce(present, paths);
    const snapshot = await observe(
      { survey: createSurvey(), sysctl: procSysctl, outlook, host, askDaemon, askDirectories },
      paths,
    );
    const findings = diagnose(snapshot);
    if (options.data === undefined) await print(asText(findings, options));
    else await printData({ findings }, options.data);
    return mustBeMended(findings) ? ExitCode.failed : ExitCode.ok;
  } finally {
    await outlook.close();
    await host?.close();
  }
}

/** Undefined where a tool is missing, which is one of the findings. */
function hostOrNone(): Host | undefined {
  try {
    return createHost();
  } catch (error) {
    if (hasCode(error, 'tool-missing')) return undefined;
    throw error;
  }
}

async function askDaemon(socket: string): Promise<DaemonFacts> {
  try {
    return { kind: 'answers', status: await fetchStatus(socket), ownVersion: version };
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    const why = messageOf(error);
    // Who asks is not root, which is a finding by itself.
    if (error.code === 'permission') return { kind: 'unknown', why };
    if (error.code !== 'unreachable') return { kind: 'silent', why };
    // By other settings, or without a socket, it runs all the same.
    const holder = await findLockHolder();
    if (holder?.kind !== 'daemon') return { kind: 'absent', why };
    return { kind: 'silent', why: `it is running (${describeHolder(holder)}) but does not answer at ${socket}` };
  }
}

async function askOnce(host: Host, paths: ConfigPaths): Promise<ZonesFacts> {
  return zonesOfLook(await lookOnce(host, paths));
}

const tones: Record<Level, Tone> = { bad: 'bad', warning: 'warning', ok: 'good' };
const widest = 120;

function asText(findings: readonly Finding[], { noColor }: DoctorOptions): string {
  const output = standardOutput(noColor);
  const paint = painter(output.hasColour);
  const width = Math.min(output.width, widest);
  const lines = findingLines(findings.map(forTerminal), {
    paint: (level, text) => paint(tones[level], text),
    wrap: (text, first) => wrapped(text, width, first),
  });
  return `${lines.join('\n')}\n`;
}

/** Names and reasons come from zones' descriptions, files and other people's rules. */
function forTerminal(finding: Finding): Finding {
  const { what, why, fix } = finding;
  return { ...finding, what: printable(what), why: why && printable(why), fix: fix && printable(fix) };
}
