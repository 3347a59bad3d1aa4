/** The real host. The only folder that starts processes or opens /proc. */
import { selfTest } from '../netlink/index.ts';
import { type CaptureHost, captureHost } from './capture-host.ts';
import { refusedBy } from './classify.ts';
import { NetlinkConntrack } from './conntrack.ts';
import { Inspection } from './inspection.ts';
import { JournalTool } from './journal.ts';
import { readLegacyFilter } from './legacy-filter.ts';
import { type LiveHost, liveHost } from './live-host.ts';
import { NftHost } from './nft.ts';
import { NftEvents } from './nft-events.ts';
import { NetlinkOutlook, type Outlook } from './outlook.ts';
import type { Host, HostEvent, Journal } from './port.ts';
import { Probe } from './probe.ts';
import { RouteEvents } from './route-events.ts';
import { NetlinkRoutes } from './rtnetlink.ts';
import { ToolSurvey } from './survey.ts';
import type { Survey } from './survey-port.ts';
import { WatchedSysctl } from './sysctl-watch.ts';
import { findTools } from './tools.ts';
import { Traffic } from './traffic.ts';

export interface HostOptions {
  /** Where the tools are looked for; the system's directories unless told. */
  readonly toolDirectories?: readonly string[];
}

/** Throws `tool-missing` where nft is not installed, `kernel-unsupported` where netlink cannot be spoken. */
export function createHost(options: HostOptions = {}): Host {
  const tools = findTools(options.toolDirectories);
  tools.path('nft');
  const rtnetlink = opened(() => new NetlinkRoutes());
  const conntrack = new NetlinkConntrack();
  const nft = opened(() => new NftHost(tools));
  let rules: NftEvents | undefined;
  let routes: RouteEvents | undefined;
  let heard: (event: HostEvent) => void = () => undefined;
  const sysctl = new WatchedSysctl(() => heard);

  async function watch(listener: (event: HostEvent) => void): Promise<void> {
    heard = listener;
    await selfTest();
    const links = new RouteEvents(listener);
    routes = links;
    rules = new NftEvents({
      isOwnPort: (port) => nft.isOwn(port),
      nameOf: (ifindex) => links.nameOf(ifindex),
      listener,
    });
  }

  async function close(): Promise<void> {
    sysctl.close();
    routes?.close();
    rules?.close();
    conntrack.close();
    nft.close();
    await rtnetlink.close();
  }

  return {
    rtnetlink,
    nft,
    sysctl,
    conntrack,
    legacyFilter: (family) => readLegacyFilter(tools, family),
    watch,
    close,
  };
}

function opened<Socket>(open: () => Socket): Socket {
  try {
    return open();
  } catch (error) {
    throw refusedBy('netlink cannot be used', error);
  }
}

/** Everything that decides about a packet, read once and never changed. Throws `tool-missing` without nft. */
export function createInspection(options: HostOptions = {}): Inspection {
  const tools = findTools(options.toolDirectories);
  tools.path('nft');
  return new Inspection(tools);
}

/** Throws `tool-missing` without nft. */
export function createLiveHost(options: HostOptions = {}): LiveHost {
  const tools = findTools(options.toolDirectories);
  tools.path('nft');
  return liveHost(tools);
}

/** Throws `kernel-unsupported` where netlink cannot be spoken. */
export function createOutlook(): Outlook {
  return opened(() => new NetlinkOutlook());
}

/** Throws `kernel-unsupported` where netlink cannot be spoken. */
export function createTraffic(): Traffic {
  return opened(() => new Traffic(findTools()));
}
export { visitConnections } from './connections.ts';

/** Never throws: what is not installed is for the caller to find. */
export function createSurvey(options: HostOptions = {}): Survey {
  return new ToolSurvey(findTools(options.toolDirectories));
}

/** Never throws: a host may keep no journal. */
export function createJournal(options: HostOptions = {}): Journal {
  return new JournalTool(findTools(options.toolDirectories));
}

/** Throws `tool-missing` without nft. */
export function createCaptureHost(options: HostOptions = {}): CaptureHost {
  const tools = findTools(options.toolDirectories);
  tools.path('nft');
  return captureHost(tools);
}

/** Never throws: what is missing is a line of the report. */
export function createProbe(options: HostOptions = {}): Probe {
  return new Probe(findTools(options.toolDirectories));
}
