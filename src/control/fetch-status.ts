/** Asks the running daemon for its status. Imports nothing heavy: `status` has to start fast. */
import { type IncomingMessage, request } from 'node:http';
import { errnoOf, messageOf, ProtectNetworkError } from '../model/errors.ts';
import { systemError } from './errno.ts';
import type { PolicyAnswer } from './policy.ts';
import type { Status } from './status.ts';

/** Ten times what every domain id Xen has would take. */
const maxBodyBytes = 64 * 1024 * 1024;
/** Reading the counters of thousands of zones takes a second. */
const answerMs = 10_000;

/**
 * `limitMs`: for the whole answer. Throws `unreachable` where no daemon listens, `permission`, `timeout`, `garbled` for an answer that is no status, and
 * `refused` with the daemon's words.
 */
export async function fetchStatus(socket: string, limitMs = answerMs): Promise<Status> {
  const body = await ask(socket, '/v1/status', limitMs);
  return parseStatus(socket, body);
}

/** What the daemon has opened to a zone by names, and what no rule allowed; `zone` is a link or a name. Throws as `fetchStatus`. */
export async function fetchPolicy(socket: string, zone: string): Promise<PolicyAnswer> {
  const value = parseJson(socket, await ask(socket, `/v1/policy?${new URLSearchParams({ zone })}`, answerMs));
  const zones = isRecord(value) ? value['zones'] : undefined;
  const isWhole = isListOf((each) => isRecord(each) && Array.isArray(each['leases']) && Array.isArray(each['denials']));
  if (!isWhole(zones)) throw garbled(socket, "'zones' is missing or has the wrong type");
  return value as PolicyAnswer;
}

async function ask(socket: string, path: string, limitMs: number): Promise<string> {
  const { code, body } = await get(socket, path, limitMs);
  if (code === 200) return body;
  throw new ProtectNetworkError('refused', `the daemon at ${socket} answered ${code}: ${excerpt(body)}`);
}

function get(socket: string, path: string, limitMs: number): Promise<{ code: number; body: string }> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(limitMs);
    const fail = (error: unknown) => reject(explained(socket, error, limitMs));
    // Without a name for TLS, which is not spoken here, Node would compile its patterns for addresses: 6 ms.
    const options = { socketPath: socket, path, agent: false, servername: '', signal };
    const call = request(options, (response) => {
      bodyOf(response).then((body) => resolve({ code: response.statusCode ?? 0, body }), fail);
    });
    call.on('error', fail);
    call.end();
  });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    const buffer = chunk as Buffer;
    bytes += buffer.length;
    if (bytes > maxBodyBytes)
      throw new ProtectNetworkError('garbled', `its answer has more than ${maxBodyBytes} bytes`);
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function explained(socket: string, cause: unknown, limitMs: number): ProtectNetworkError {
  const errno = errnoOf(cause);
  if (cause instanceof ProtectNetworkError) return cause;
  if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ECONNREFUSED') {
    const advice = "start it with 'systemctl start protect-network'";
    const message = `protect-network is not running (no answer at ${socket}); ${advice}`;
    return new ProtectNetworkError('unreachable', message, { cause });
  }
  if (cause instanceof Error && (cause.name === 'AbortError' || cause.name === 'TimeoutError')) {
    const advice = "if it hangs: 'systemctl restart protect-network'; zones keep their network";
    const message = `the daemon at ${socket} did not answer within ${Math.ceil(limitMs / 1000)} s; ${advice}`;
    return new ProtectNetworkError('timeout', message, { cause });
  }
  if (errno === 'ECONNRESET' || errno === 'EPIPE') {
    return new ProtectNetworkError(
      'unreachable',
      `the daemon at ${socket} closed the connection; it may be restarting`,
      { cause },
    );
  }
  return systemError(cause, `cannot query the daemon at ${socket}`);
}

/** As much of a check as keeps what prints it from stumbling; the other side is root's own daemon. */
function parseStatus(socket: string, body: string): Status {
  const value = parseJson(socket, body);
  const wrong = Object.entries(shape).find(([key, fits]) => !fits(isRecord(value) ? value[key] : undefined));
  if (wrong !== undefined) throw garbled(socket, `'${wrong[0]}' is missing or has the wrong type`);
  const { faults = [], forwarder = null } = value as Partial<Status>;
  return { ...(value as Status), faults, forwarder };
}

function parseJson(socket: string, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw garbled(socket, messageOf(cause), cause);
  }
}

const isNumber = (value: unknown) => typeof value === 'number';
const isText = (value: unknown) => typeof value === 'string';
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isListOf = (fits: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(fits);

const isTexts = isListOf(isText);

const shape: { readonly [Key in keyof Status]: (value: unknown) => boolean } = {
  version: isText,
  pid: isNumber,
  startedAt: isNumber,
  state: isText,
  subnets: isRecord,
  uplinks: isListOf((uplink) => isRecord(uplink) && Array.isArray(uplink['families'])),
  isolation: isRecord,
  // A daemon before 0.2.0 knows no fleet.
  fleet: (value) => value === undefined || value === null || (isRecord(value) && isListOf(isRecord)(value['blocks'])),
  leaving: (value) => isRecord(value) && isTexts(value['noMasquerade']),
  directories: isListOf((directory) => isRecord(directory) && Array.isArray(directory['problems'])),
  zones: isListOf((zone) => isRecord(zone) && isText(zone['link']) && Array.isArray(zone['addresses'])),
  lastPass: (value) => value === null || isRecord(value),
  passes: isNumber,
  transactions: isNumber,
  repairs: isNumber,
  putBack: isRecord,
  lastRepairs: isListOf((repair) => isRecord(repair) && isTexts(repair['what']) && isTexts(repair['culprits'])),
  failures: isListOf(isRecord),
  // A daemon before 0.2.0 knows no policies.
  forwarder: (value) => value === undefined || value === null || isRecord(value),
  warnings: isListOf(isText),
  // A daemon before 0.2.0 has none.
  faults: (value) => value === undefined || isListOf(isRecord)(value),
};

function garbled(socket: string, reason: string, cause?: unknown): ProtectNetworkError {
  const message = `invalid answer from ${socket}: ${reason}`;
  return new ProtectNetworkError('garbled', message, { cause });
}

function excerpt(body: string): string {
  return body.trim().slice(0, 200);
}
