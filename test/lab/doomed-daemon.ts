/**
 * Program: node doomed-daemon.ts ORDERS CONFIG SETTINGS. The real daemon on the real host, by the same entry as the
 * command, with every call at the host port counted: it dies by SIGKILL at the step that an order
 * names. Orders are GETs on the Unix socket ORDERS:
 *
 * - `/go`: run. Until then everything is imported and nothing begun.
 * - `/arm?step=N`: count from here. N = 0 kills nobody.
 * - `/steps`: what was counted since.
 */
import { createServer } from 'node:http';
import { runDaemon } from '../../src/cli/run.ts';
import { createHost } from '../../src/host/index.ts';
import { countedHost, Steps } from './doomed-host.ts';

const [, , orders = '', config = '', settings = ''] = process.argv;
const steps = new Steps();
const going = Promise.withResolvers<void>();

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://orders');
  if (pathname === '/go') going.resolve();
  if (pathname === '/arm') steps.arm(Number(searchParams.get('step')));
  const { names, idleMs } = steps;
  response.end(JSON.stringify({ names: pathname === '/steps' ? names : [], idleMs }));
});
server.listen(orders);
await going.promise;
process.exit(
  await runDaemon({ config, settings }, { logFormat: 'json', debug: true }, () => countedHost(createHost(), steps)),
);
