/** `protect-network run`: the daemon. */
import { type Config, type ConfigPaths, loadConfig } from '../config/config.ts';
import { watchConfig } from '../config/watch.ts';
import { errnoOf } from '../control/errno.ts';
import { renderMetrics } from '../control/metrics.ts';
import { type ControlServer, startControlServer } from '../control/server.ts';
import { createHost } from '../host/index.ts';
import { findJournal } from '../host/journal-socket.ts';
import { requireHost } from '../host/requirements.ts';
import { findServiceManager } from '../host/systemd.ts';
import { makeDirectories } from '../lifecycle/directories.ts';
import { Reconciler } from '../lifecycle/reconciler.ts';
import { Reporter } from '../lifecycle/reporter.ts';
import { reportStatus } from '../lifecycle/status-report.ts';
import { ExitCode, messageOf } from '../model/errors.ts';
import { type LogOptions, makeLog } from './log.ts';
import { Reload } from './reload.ts';
import { Service } from './service.ts';
import { staySmall } from './stay-small.ts';
import { version } from './version.ts';

/** Runs until SIGTERM or SIGINT. What is on the host stays: stopping moves no packet. `makeHost`: another for crash tests. */
export async function runDaemon(paths: ConfigPaths, options: LogOptions, makeHost = createHost): Promise<ExitCode> {
  const startedAt = Date.now();
  const config = loadConfig(paths);
  const log = makeLog(options, findJournal(process.env));
  const host = makeHost();
  staySmall();
  await requireHost(host);
  const reporter = new Reporter(log);
  const reconciler = new Reconciler({ host, config, makeDirectories, reporter });
  const service = new Service(findServiceManager(process.env), reconciler, log);
  const status = () => reportStatus({ host, reconciler, reporter, version, startedAt });
  const metrics = async () => renderMetrics(await status(), { timesToReadyMs: reporter.timesToReady });
  const failed = (error: unknown) => log.warn({ event: 'control-socket' }, `control socket: ${messageOf(error)}`);
  const serve = async (settings: Config) => {
    try {
      return await serveOn(settings);
    } catch (error) {
      // A /run that cannot be written costs `status`, and the guard against a second daemon; zones come first.
      if (!isUnwritable(error)) throw error;
      log.error({ event: 'control-socket' }, `no control socket: ${messageOf(error)}; going on without`);
      return withoutServer;
    }
  };
  const serveOn = async ({ settings }: Config) => {
    const { socket, metricsListen: listen } = settings.control;
    const base = { socket, status, metrics, failed };
    if (listen === undefined) return startControlServer(base);
    try {
      return await startControlServer({ ...base, listen });
    } catch (error) {
      // A taken port must not leave zones without network; a taken socket will fail again below.
      log.error(
        { event: 'metrics-listen' },
        `no metrics on ${listen.host}:${listen.port}: ${messageOf(error)}${confinementHint(error)}; going on without`,
      );
      return startControlServer(base);
    }
  };
  let server = await serve(config);
  const stopped = untilStopped();
  try {
    const serveAnew = async (fresh: Config) => {
      await server.close();
      server = await serve(fresh);
    };
    const reload = new Reload({ paths, reconciler, reporter, service, log, serveAnew });
    const watch = await watchConfig(paths, reload, config);
    process.on('SIGHUP', () => void reload.asked());
    await reconciler.start();
    log.info({ event: 'running', state: 'running', milliseconds: Date.now() - startedAt }, summary(reconciler));
    service.ready();
    void service.keepAlive();
    const signal = await stopped;
    log.info({ event: 'stopping' }, `${signal}: stopping; routes and rules stay as they are`);
    service.stopping();
    await watch.close();
  } finally {
    await reconciler.stop();
    await server.close();
    await host.close();
  }
  return ExitCode.ok;
}

const withoutServer: ControlServer = { close: async () => undefined };

function isUnwritable(error: unknown): boolean {
  const errno = error instanceof Error ? errnoOf(error.cause) : undefined;
  // Node says ENOENT where it cannot make a directory on a read-only file system.
  return errno === 'EROFS' || errno === 'ENOENT' || errno === 'ENOSPC' || errno === 'EDQUOT';
}

/** The unit allows no sockets of IP. */
function confinementHint(error: unknown): string {
  const errno = error instanceof Error ? errnoOf(error.cause) : undefined;
  if (errno !== 'EAFNOSUPPORT') return '';
  return ' (the unit forbids it: copy metrics-listen.conf to /etc/systemd/system/protect-network.service.d and restart)';
}

function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    // Not `once`: a library that finds its signal without a listener raises it again, and the end would be cut short.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
  });
}

function summary(reconciler: Reconciler): string {
  const { subnets, zones } = reconciler.state.desired ?? { subnets: reconciler.state.config.subnets, zones: new Map() };
  const prefixes = [subnets.ipv4, subnets.ipv6].flatMap((subnet) => subnet?.prefix.text ?? []);
  return `running: ${zones.size} zones in ${prefixes.join(' and ')}`;
}
