/** One query to one resolver, by UDP from a socket and port of its own, or by TCP. */
import { createSocket } from 'node:dgram';
import { isIPv6, connect as tcpConnect } from 'node:net';
import type { Address } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { limits } from './limits.ts';
import { matchAnswer, type Query } from './query.ts';

const resolverPort = 53;

/**
 * The answer, or `other case`, where the resolver has changed the case of letters, or somebody else guesses: by TCP nobody can. The
 * socket is connected: the kernel takes datagrams of that address and port only, and says where nobody listens. What is no
 * answer to the question is passed over. Throws `timeout` or `unreachable`.
 */
export function askByUdp(resolver: Address, query: Query): Promise<Buffer | 'other case'> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: isIPv6(resolver) ? 'udp6' : 'udp4', lookup: asItIs });
    const end = () => {
      clearTimeout(timer);
      socket.close();
    };
    const fail = (error: Error) => {
      end();
      reject(error);
    };
    const timer = setTimeout(() => fail(new ProtectNetworkError('timeout', 'no answer')), limits.attemptMs);
    let wrong = 0;
    socket.on('error', (cause) => fail(unreachable(cause)));
    socket.on('message', (answer) => {
      const match = matchAnswer(answer, query);
      if (match === 'no answer') {
        wrong += 1;
        if (wrong >= limits.wrongAnswers) fail(new ProtectNetworkError('garbled', 'answers to other questions only'));
        return;
      }
      end();
      resolve(match === 'answer' ? answer : match);
    });
    socket.connect(resolverPort, resolver, () => socket.send(query.bytes));
  });
}

/** Throws `timeout`, `unreachable` or `garbled`. */
export function askByTcp(resolver: Address, query: Query): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = tcpConnect({ host: resolver, port: resolverPort, noDelay: true });
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
    };
    const fail = (error: Error) => {
      end();
      reject(error);
    };
    const timer = setTimeout(() => fail(new ProtectNetworkError('timeout', 'no answer by TCP')), limits.attemptMs);
    let heard = Buffer.alloc(0);
    socket.on('error', (cause) => fail(unreachable(cause)));
    socket.on('close', () => fail(new ProtectNetworkError('unreachable', 'closed the connection')));
    socket.on('data', (bytes: Buffer) => {
      heard = Buffer.concat([heard, bytes]);
      if (heard.length < 2) return;
      const length = heard.readUInt16BE(0);
      if (length > limits.upstreamTcpBytes) fail(new ProtectNetworkError('garbled', `an answer of ${length} bytes`));
      else if (heard.length >= 2 + length) {
        const answer = heard.subarray(2, 2 + length);
        end();
        // Case counts for nothing here: who can speak on this connection has seen the question.
        if (matchAnswer(answer, query) !== 'no answer') resolve(answer);
        else reject(new ProtectNetworkError('garbled', 'an answer to another question'));
      }
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.bytes.length);
    socket.write(Buffer.concat([length, query.bytes]));
  });
}

function unreachable(cause: Error): ProtectNetworkError {
  const code = 'code' in cause ? String(cause.code) : cause.message;
  return new ProtectNetworkError('unreachable', code === 'ECONNREFUSED' ? 'nobody listens there' : code, { cause });
}

/** Addresses need no look-up, and Node's own costs a turn of the loop. */
export function asItIs(
  address: string,
  _options: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  callback(null, address, isIPv6(address) ? 6 : 4);
}
