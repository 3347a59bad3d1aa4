/** What a xenstored may send, as frames and as the bodies in them. */

import { weaknessOf } from '../../../src/directories/xenstore/trust.ts';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import {
  decodeDirectoryPart,
  decodeErrno,
  decodeEvent,
  decodePermissions,
  decodeStrings,
  decodeText,
  decodeTransactionId,
} from '../../../src/xenstore/body.ts';
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  headerBytes,
  MessageType,
  maxBodyBytes,
} from '../../../src/xenstore/frame.ts';
import { parsePath } from '../../../src/xenstore/path.ts';
import { encodePermissions } from '../../xenstored/writes.ts';
import { mutateFrames } from '../mutate-frames.ts';
import { mutateText } from '../mutate-text.ts';
import { Random } from '../random.ts';
import { outcomeOf, promised, type Target } from '../target.ts';

export function frame(type: number, requestId: number, ...strings: string[]): Buffer {
  return encodeFrame({ type: type as MessageType, requestId, transactionId: 0, body: Buffer.from(strings.join('')) });
}

const frameSeeds = [
  frame(MessageType.getPermissions, 1, 'n0\0', 'r5\0'),
  Buffer.concat([frame(MessageType.watch, 1, 'OK\0'), frame(MessageType.watchEvent, 0, '/local/domain\0', '1\0')]),
  Buffer.concat([
    frame(MessageType.transactionStart, 2, '77\0'),
    frame(MessageType.directory, 3, '1\0', '2\0', '40\0'),
  ]),
  Buffer.concat([frame(MessageType.error, 4, 'ENOENT\0'), frame(MessageType.read, 5, '10.75.0.3 fdd4:1476:6c7e::3')]),
  frame(MessageType.directoryPart, 6, '12\0', 'a\0', 'b\0', '\0'),
];

/** The stream, chopped at random places: the same frames come out as from one piece. */
export function xenstoreFrames(): Target {
  return {
    name: 'xenstore-frames',
    seeds: frameSeeds,
    mutate: mutateFrames,
    // Each body is also the text of its error.
    outputBound: (bytes) => 4096 + 64 * bytes,
    feed: (input) => {
      const whole = new FrameDecoder();
      const frames = whole.push(input);
      const chopped = new FrameDecoder();
      const again = piecesOf(input).flatMap((piece) => chopped.push(piece));
      promised(bytesOf(again).equals(bytesOf(frames)), 'another reading by pieces');
      promised(whole.broken?.message === chopped.broken?.message, 'broken in another way by pieces');
      promised(
        frames.every(({ body }) => body.length <= maxBodyBytes),
        'a body that is too long',
      );
      const used = frames.reduce((sum, { body }) => sum + headerBytes + body.length, 0);
      promised(used <= input.length, 'more than was sent');
      const kinds = frames.map((each) => decoded(each));
      return outcomeOf([whole.broken?.code, ...new Set(kinds)].join(), kinds);
    },
  };
}

/** Any body as each kind of answer. */
export function xenstoreBodies(): Target {
  return {
    name: 'xenstore-bodies',
    seeds: [
      'n0\0r5\0',
      'ENOENT\0',
      '/a/b\0token\0',
      '4294967295\0',
      '7\0a\0b\0\0',
      '7\0a\0',
      '10.75.0.3 fdd4::3',
      'n0\0',
    ],
    mutate: mutateText(['\0', '\0\0', 'n0\0', 'b0\0', 'w3', 'r65535', '@introduceDomain', '1\0'], 8192),
    feed: (input) => {
      const bodies = decoders.map((decode) => attempt(() => decode(input)));
      return outcomeOf(bodies.map((body) => body.slice(0, 12)).join(), bodies);
    },
  };
}

const decoders: readonly ((body: Buffer) => unknown)[] = [
  decodeText,
  (body) => decodeStrings(body).map((text) => parsePath(text)),
  decodeErrno,
  (body) => {
    const id = decodeTransactionId(body);
    promised(Number.isInteger(id) && id > 0 && id <= 0xffffffff, `${id} is no transaction`);
    return id;
  },
  decodeEvent,
  (body) => {
    const permissions = decodePermissions(body);
    const again = decodePermissions(
      Buffer.from(
        encodePermissions(permissions)
          .map((text) => `${text}\0`)
          .join(''),
      ),
    );
    promised(JSON.stringify(again) === JSON.stringify(permissions), 'permissions change by being written');
    const trusted = weaknessOf(permissions) === undefined;
    const guest = permissions.entries.some(({ access }) => access === 'write' || access === 'both');
    promised(!trusted || (permissions.owner === 0 && !guest), 'a guest that may write is trusted');
    return permissions;
  },
  (body) => {
    const part = decodeDirectoryPart(body);
    promised(part === undefined || part.bytes <= body.length, 'names longer than the body');
    return part;
  },
];

const decoderOf: Readonly<Record<number, (body: Buffer) => unknown>> = {
  [MessageType.read]: decodeText,
  [MessageType.directory]: decodeStrings,
  [MessageType.getPermissions]: decodePermissions,
  [MessageType.transactionStart]: decodeTransactionId,
  [MessageType.watchEvent]: decodeEvent,
  [MessageType.error]: decodeErrno,
  [MessageType.directoryPart]: (body) => decodeDirectoryPart(body),
};

function decoded({ type, body }: Frame): string {
  return `${type} ${attempt(() => decoderOf[type]?.(body)).slice(0, 30)}`;
}

/** The value, or the words of an error of ours; any other is a finding. */
function attempt(decode: () => unknown): string {
  try {
    return JSON.stringify(decode()) ?? '';
  } catch (error) {
    if (error instanceof ProtectNetworkError) return error.message;
    throw error;
  }
}

function bytesOf(frames: readonly Frame[]): Buffer {
  return Buffer.concat(frames.map(encodeFrame));
}

function piecesOf(input: Buffer): Buffer[] {
  const random = new Random(input.length);
  const pieces: Buffer[] = [];
  for (let at = 0; at < input.length; ) {
    const end = at + 1 + random.below(random.once(3) ? 4 : 5000);
    pieces.push(input.subarray(at, end));
    at = end;
  }
  return pieces;
}
