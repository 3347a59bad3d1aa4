/** `protect-network run`: the daemon. */
import type { ConfigPaths } from '../config/config.ts';
import { metricFamilies } from '../control/metrics.ts';
import { makeDirectories } from '../directories/make-directories.ts';
import { createHost, createOutlook, visitConnections } from '../host/index.ts';
import { findJournal } from '../host/journal-socket.ts';
import { takeNetworkLock } from '../host/network-lock.ts';
import { findServiceManager } from '../host/systemd.ts';
import { reportPolicy } from '../lifecycle/policy-report.ts';
import { Reconciler } from '../lifecycle/reconciler.ts';
import { Reporter } from '../lifecycle/reporter.ts';
import { reportStatus } from '../lifecycle/status-report.ts';
import { reportTalk } from '../lifecycle/talk-report.ts';
import { ExitCode, messageOf } from '../model/errors.ts';
import { requireNftables } from '../nft/requirements.ts';
import { loadDaemonConfig, watchDaemonConfig } from '../policy/daemon-config.ts';
import { type Log, tell } from '../words/log-messages.ts';
import { endWithinMs, limitEnd } from './end.ts';
import { ForwarderLink } from './forwarder-link.ts';
import { type LogOptions, makeLog } from './log.ts';
import { Reload } from './reload.ts';
import { Service } from './service.ts';
import { Serving } from './serving.ts';
import { staySmall } from './stay-small.ts';
import { version } from './version.ts';

/** Runs until SIGTERM or SIGINT. What is on the host stays: stopping does not interrupt traffic. `makeHost`: another for crash tests. */
export async function runDaemon(paths: ConfigPaths, options: LogOptions, makeHost = createHost): Promise<ExitCode> {
  const startedAt = Date.now();
  const config = await loadDaemonConfig(paths);
  const log: Log = makeLog(options, findJournal(process.env));
  const host = makeHost();
  staySmall();
  await requireNftables(host.nft);
  const reporter = new Reporter(log);
  const reconciler = new Reconciler({ host, config, policies: config.policies, makeDirectories, reporter });
  const service = new Service(findServiceManager(process.env), reconciler, log);
  const outlook = createOutlook();
  const forwarder = new ForwarderLink(reconciler, log);
  const status = () =>
    reportStatus({
      host,
      outlook,
      reconciler,
      reporter,
      version,
      startedAt,
      forwarder: forwarder.status,
      serving: serving.faults,
    });
  const policy = (zone: string) => reportPolicy(reconciler, zone);
  const talk = () => reportTalk(reconciler, visitConnections);
  const metrics = async () => metricFamilies(await status(), { timesToReadyMs: reporter.timesToReady });
  const failed = (error: unknown) => tell(log, 'controlSocket', { reason: messageOf(error) });
  const serving = new Serving({ status, metrics, policy, talk, failed }, log);
  const lock = await takeNetworkLock(() => serving.socket);
  if (lock.problem !== undefined) tell(log, 'noLock', { problem: lock.problem });
  await serving.follow(config.settings.control);
  const stopped = untilStopped();
  reconciler.settled = () => void forwarder.settled();
  try {
    const reload = new Reload({ paths, config, reconciler, reporter, service, log, serving });
    const watch = await watchDaemonConfig(paths, reload, config);
    process.on('SIGHUP', () => void reload.asked());
    void reconciler.inForce.promise.then(() => {
      tell(log, 'running', summary(reconciler), { state: 'running', milliseconds: Date.now() - startedAt });
      service.ready();
    });
    const started = reconciler.start();
    await Promise.race([started, stopped]);
    void service.keepAlive();
    const signal = await stopped;
    tell(log, 'stopping', { signal });
    limitEnd(() => tell(log, 'killed', { n: endWithinMs / 1000 }));
    service.stopping();
    await watch.close();
  } finally {
    await reconciler.stop();
    await forwarder.close();
    await serving.close();
    await outlook.close();
    await host.close();
    lock.release();
  }
  return ExitCode.ok;
}

function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    // Not `once`: a library that finds its signal without a listener raises it again, and the end would be cut short.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
  });
}

function summary(reconciler: Reconciler): { n: number; subnets: string } {
  const { subnets, zones } = reconciler.state.desired ?? { subnets: reconciler.state.config.subnets, zones: new Map() };
  const prefixes = [subnets.ipv4, subnets.ipv6].flatMap((subnet) => subnet?.prefix.text ?? []);
  return { n: zones.size, subnets: prefixes.join(' and ') };
}
