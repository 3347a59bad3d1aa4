/** One gRPC call whose replies are handed on as they come, and the translation of its failure into our errors. */
import { type Client, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorCode, ProtectNetworkError } from '../../model/errors.ts';
import type { Method } from './messages.ts';
import { printable } from './printable.ts';

export interface CallOptions {
  readonly signal: AbortSignal;
  /** Milliseconds until the call fails with `timeout`; undefined for a stream that is meant to last. */
  readonly timeout: number | undefined;
  /** A promise holds back the following replies, and so the server, until it is settled. A throw ends the call. */
  readonly onReply: (reply: unknown, bytes: number) => Promise<void> | undefined;
  /** The server has accepted the call. */
  readonly onAccepted?: () => void;
}

/**
 * Calls `method` with an empty request. Resolves once the server has ended the stream without an error, rejects in any
 * other case: with `onReply`'s error, or `unreachable`, `timeout`, `refused` or `garbled` with gRPC's error as cause.
 * A unary method is the same on the wire as a stream of one reply, so it is called in the same way.
 */
export function call(client: Client, method: Method, options: CallOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let bytes = 0;
  const deserialize = (buffer: Buffer): unknown => {
    bytes += buffer.length;
    return method.responseDeserialize(buffer);
  };
  const deadline = options.timeout === undefined ? {} : { deadline: Date.now() + options.timeout };
  const stream = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    deserialize,
    {},
    new Metadata(),
    deadline,
  );
  const fail = (error: unknown) => {
    reject(error);
    stream.cancel();
  };
  const cancel = () => stream.cancel();
  stream.on('metadata', () => {
    if (!options.signal.aborted) options.onAccepted?.();
  });
  stream.on('data', (reply: unknown) => {
    // Replies that had arrived before the call was cancelled still come; nobody asks for them any more.
    if (options.signal.aborted) return;
    try {
      const held = options.onReply(reply, bytes);
      if (held === undefined) return;
      stream.pause();
      held.then(() => stream.resume(), fail);
    } catch (error) {
      fail(error);
    }
  });
  // On a failure the stream emits `error` before the `end` that follows, so `end` alone means that it is complete.
  stream.on('error', (error: ServiceError) => reject(translate(method, error)));
  stream.on('end', resolve);
  if (options.signal.aborted) cancel();
  options.signal.addEventListener('abort', cancel);
  return promise.finally(() => options.signal.removeEventListener('abort', cancel));
}

/** True where the server does not know the service at all, which is how an older host is told from a newer one. */
export function isUnimplemented(error: unknown): boolean {
  return (
    error instanceof ProtectNetworkError && (error.cause as ServiceError | undefined)?.code === status.UNIMPLEMENTED
  );
}

function translate({ path }: Method, error: ServiceError): ProtectNetworkError {
  const code = errorCodes[error.code] ?? 'refused';
  // grpc-js ends the details with this label even where it has nothing to note.
  const details = printable((error.details ?? '').replace(/\s*Resolution note:\s*$/, ''), 200);
  const text = `${path}: ${status[error.code] ?? error.code}: ${details}`;
  return new ProtectNetworkError(code, text, { cause: error });
}

const errorCodes: Readonly<Record<number, ErrorCode>> = {
  [status.UNAVAILABLE]: 'unreachable',
  [status.CANCELLED]: 'unreachable',
  [status.DEADLINE_EXCEEDED]: 'timeout',
  [status.INTERNAL]: 'garbled',
  [status.RESOURCE_EXHAUSTED]: 'garbled',
  [status.UNKNOWN]: 'garbled',
};
