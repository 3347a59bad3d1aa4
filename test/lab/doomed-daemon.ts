/**
 * Program: node doomed-daemon.ts CACHE ORDERS CONFIG SETTINGS. The real daemon on the real host, by the same entry as the
 * command, with every call at the host port counted: it dies by SIGKILL, or kills a helper of its own, at the step that an
 * order names. Orders are GETs on the Unix socket ORDERS:
 *
 * - `/go`: run. Until then everything is imported and nothing begun.
 * - `/arm?step=N&victim=self`, or the head of a helper's command line as victim: count from here. N = 0 kills nobody.
 * - `/steps`: what was counted since.
 */
import { createServer } from 'node:http';
import { enableCompileCache } from 'node:module';
import { killHelper } from './doomed-helpers.ts';
import { countedHost, Steps } from './doomed-host.ts';

const [, , cache = '', orders = '', config = '', settings = ''] = process.argv;
enableCompileCache(cache);
const [{ runDaemon }, { createHost }] = await Promise.all([
  import('../../src/cli/run.ts'),
  import('../../src/host/index.ts'),
]);
const steps = new Steps();
const going = Promise.withResolvers<void>();

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://orders');
  if (pathname === '/go') going.resolve();
  if (pathname === '/arm') steps.arm(Number(searchParams.get('step')), victimOf(searchParams.get('victim') ?? 'self'));
  const { names, idleMs, victims } = steps;
  response.end(JSON.stringify({ names: pathname === '/steps' ? names : [], idleMs, victims }));
});
server.listen(orders);
await going.promise;
process.exit(
  await runDaemon({ config, settings }, { logFormat: 'json', debug: true }, () => countedHost(createHost(), steps)),
);

/** SIGKILL takes effect before the call returns: nothing of the daemon runs after it. */
function victimOf(victim: string): () => number {
  if (victim !== 'self') return () => killHelper(victim);
  return () => {
    process.kill(process.pid, 'SIGKILL');
    return 1;
  };
}
