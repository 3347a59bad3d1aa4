/** The control socket: HTTP for `status`, for monitoring, and nothing that changes anything. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Address, isLoopback } from '../model/address.ts';
import { messageOf } from '../model/errors.ts';
import { claimSocket } from './claim-socket.ts';
import { systemError } from './errno.ts';
import { healthOf } from './health.ts';
import { inFlight } from './in-flight.ts';
import { type Family, formatFor, type MetricsFormat } from './open-metrics.ts';
import type { PolicyAnswer } from './policy.ts';
import { type Answer, json, type Route, type Routes } from './routes.ts';
import type { Status } from './status.ts';
import { isOwnName, notForPagesElsewhere, notOnLoopback, type WebSources, webRoutes } from './web.ts';

/** Requests of ours have 200 bytes of header; a scraper's have 1 KiB. */
const maxHeaderBytes = 8 * 1024;
const headersMs = 5_000;
const requestMs = 10_000;
const keepAliveMs = 5_000;
/** A reader that takes nothing for so long is cut off: an answer for thousands of zones is megabytes held for it. */
const silenceMs = 30_000;
const maxConnections = 64;
const maxRequestsPerConnection = 1000;

export interface ControlSources {
  readonly status: () => Promise<Status>;
  /** `zone`: a link or a name. */
  readonly policy: (zone: string) => Promise<PolicyAnswer>;
  readonly metrics: () => Promise<readonly Family[]>;
  /** Told about requests that could not be answered and connections that could not be accepted. */
  readonly failed?: (error: unknown) => void;
}

export interface ControlServer {
  /** Ends every connection, and removes a socket that is still this server's. */
  close(): Promise<void>;
}

/** Throws `conflict` where another daemon answers on the socket, `refused` or `permission` where listening fails. */
export async function startControlServer(
  options: ControlSources & { readonly socket: string },
): Promise<ControlServer> {
  const { status, metrics, failed } = shared(options);
  const forRoot: Routes = new Map([
    ...forAnybody(status, metrics),
    ['/v1/status', async () => json(200, await status())],
    ['/v1/policy', (query) => policyAnswer(options, query)],
  ]);
  const server = serve(forRoot, failed);
  const claim = await claimSocket(server, options.socket);
  // An accept that fails (EMFILE) is emitted; without a listener it would end the daemon.
  server.on('error', failed);
  return {
    close() {
      claim.release();
      return closeServer(server);
    },
  };
}

/** By TCP: `/metrics` and `/healthz`, and on loopback the web view. Throws `refused` or `permission`. */
export async function startMetricsServer(
  options: ControlSources & WebSources & { readonly listen: { readonly host: Address; readonly port: number } },
): Promise<ControlServer> {
  const { status, metrics, failed } = shared(options);
  const { talk, listen } = options;
  const { host, port } = listen;
  const isLocal = isLoopback(host);
  const routes: Routes = new Map([
    ...[...forAnybody(status, metrics)].map(([path, route]) => [path, notForPagesElsewhere(route)] as const),
    ...(isLocal ? webRoutes({ status, talk }) : notOnLoopback),
  ]);
  const admits = (name: string | undefined) => !isLocal || isOwnName(name, host);
  const server = await listenOn(serve(routes, failed, admits), host, port);
  server.on('error', failed);
  return { close: () => closeServer(server) };
}

/** However many ask at once, the counters are read once. */
function shared({ failed = () => undefined, ...sources }: ControlSources): Required<ControlSources> {
  return { ...sources, status: inFlight(sources.status), metrics: inFlight(sources.metrics), failed };
}

function forAnybody(status: ControlSources['status'], metrics: ControlSources['metrics']): Routes {
  return new Map<string, Route>([
    ['/metrics', async (_query, { accept }) => metricsAnswer(await metrics(), formatFor(accept))],
    ['/healthz', async () => plain(healthOf(await status()))],
  ]);
}

function metricsAnswer(families: readonly Family[], { contentType, render }: MetricsFormat): Answer {
  return { code: 200, type: contentType, body: render(families) };
}

async function policyAnswer({ policy }: ControlSources, query: URLSearchParams): Promise<Answer> {
  const zone = query.get('zone');
  if (zone === null) return json(400, { error: 'the zone is missing; expected /v1/policy?zone=LINK-OR-NAME' });
  return json(200, await policy(zone));
}

/** `admits`: whether a request may be answered that was sent to a name, as `Host` has it. */
function serve(routes: Routes, failed: (error: unknown) => void, admits = (_name: string | undefined) => true): Server {
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: headersMs,
    },
    (request, response) => {
      answer(routes, request, admits)
        .catch((error) => {
          failed(error);
          return json(500, { error: messageOf(error) });
        })
        .then((given) => send(request, response, given))
        .catch(failed);
    },
  );
  server.maxConnections = maxConnections;
  server.maxRequestsPerSocket = maxRequestsPerConnection;
  server.setTimeout(silenceMs, (socket) => socket.destroy());
  return server;
}

async function answer(
  routes: Routes,
  request: IncomingMessage,
  admits: (name: string | undefined) => boolean,
): Promise<Answer> {
  if (!admits(request.headers.host)) {
    return json(421, { error: 'this host is not asked by that name; expected 127.0.0.1, [::1] or localhost' });
  }
  if (request.method !== 'GET') return json(405, { error: 'only GET is supported' });
  if (hasBody(request)) return json(413, { error: 'a request body is not supported' });
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const route = routes.get(path);
  return route === undefined
    ? json(404, { error: `not found; available: ${[...routes.keys()].join(', ')}` })
    : await route(new URLSearchParams(query), request.headers);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

function send(request: IncomingMessage, response: ServerResponse, { code, type, body, headers: own }: Answer): void {
  const bytes = Buffer.from(body);
  const headers = { ...own, 'content-type': type, 'content-length': bytes.length, 'cache-control': 'no-store' };
  // After a body that nobody reads the connection is of no use.
  const ending = request.method === 'GET' && !hasBody(request) ? {} : { connection: 'close' };
  response.writeHead(code, { ...headers, ...ending, ...(code === 405 ? { allow: 'GET' } : {}) });
  response.end(bytes);
}

function plain({ healthy, text }: { healthy: boolean; text: string }): Answer {
  return { code: healthy ? 200 : 503, type: 'text/plain; charset=utf-8', body: text };
}

function listenOn(server: Server, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const refused = (error: Error) => reject(systemError(error, `cannot serve metrics on ${host} port ${port}`));
    server.once('error', refused);
    server.listen({ host, port }, () => {
      server.off('error', refused);
      resolve(server);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
