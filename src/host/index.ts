/** The real host. The only folder that starts processes or opens /proc. */
import { ConntrackTool } from './conntrack.ts';
import { Inspection } from './inspection.ts';
import { JournalTool } from './journal.ts';
import { readLegacyFilter } from './legacy-filter.ts';
import { type LiveHost, liveHost } from './live-host.ts';
import { Monitor } from './monitor.ts';
import { NftTool } from './nft.ts';
import type { Host, HostEvent, Journal, Survey } from './port.ts';
import { IpRtnetlink } from './rtnetlink.ts';
import { ToolSurvey } from './survey.ts';
import { WatchedSysctl } from './sysctl-watch.ts';
import { findTools } from './tools.ts';

export interface HostOptions {
  /** Where the tools are looked for; the system's directories unless told. */
  readonly toolDirectories?: readonly string[];
}

/** Throws `tool-missing` where ip, nft or conntrack is not installed. */
export function createHost(options: HostOptions = {}): Host {
  const tools = findTools(options.toolDirectories);
  for (const tool of ['ip', 'nft', 'conntrack', 'setpriv'] as const) tools.path(tool);
  const rtnetlink = new IpRtnetlink(tools);
  const nft = new NftTool(tools);
  let monitor: Monitor | undefined;
  let heard: (event: HostEvent) => void = () => undefined;
  const sysctl = new WatchedSysctl(() => heard);

  async function watch(listener: (event: HostEvent) => void): Promise<void> {
    heard = listener;
    rtnetlink.warm();
    nft.warm();
    monitor = new Monitor({ tools, isOwnPid: (pid) => nft.isOwn(pid), listener });
    await monitor.start();
  }

  async function close(): Promise<void> {
    sysctl.close();
    await Promise.all([monitor?.close(), rtnetlink.close(), nft.close()]);
  }

  return {
    rtnetlink,
    nft,
    sysctl,
    conntrack: new ConntrackTool(tools),
    legacyFilter: (family) => readLegacyFilter(tools, family),
    watch,
    close,
  };
}

/** Everything that decides about a packet, read once and never changed. Throws `tool-missing` without ip or nft. */
export function createInspection(options: HostOptions = {}): Inspection {
  const tools = findTools(options.toolDirectories);
  for (const tool of ['ip', 'nft'] as const) tools.path(tool);
  return new Inspection(tools);
}

/** Throws `tool-missing` without what nft's trace needs. */
export function createLiveHost(options: HostOptions = {}): LiveHost {
  const tools = findTools(options.toolDirectories);
  for (const tool of ['nft', 'setpriv'] as const) tools.path(tool);
  return liveHost(tools);
}

/** Never throws: what is not installed is for the caller to find. */
export function createSurvey(options: HostOptions = {}): Survey {
  return new ToolSurvey(findTools(options.toolDirectories));
}

/** Never throws: a host may keep no journal. */
export function createJournal(options: HostOptions = {}): Journal {
  return new JournalTool(findTools(options.toolDirectories));
}
