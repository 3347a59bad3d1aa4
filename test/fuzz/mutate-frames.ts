/** Mutations of a stream of xenstore's frames: header fields, bodies, whole frames; as bytes otherwise. */
import { encodeFrame, type Frame, FrameDecoder, MessageType } from '../../src/xenstore/frame.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateText } from './mutate-text.ts';
import type { Random } from './random.ts';
import type { Mutator } from './target.ts';

const blind = mutateBytes(64 * 1024);
const errnos = ['EINVAL', 'EACCES', 'ENOENT', 'E2BIG', 'EAGAIN', 'EEXIST', 'EIO', 'ENOSYS', 'einval', 'E'];
const body = mutateText(
  [...errnos, 'n0', 'r5', 'b0', 'w7', 'n65535', 'n00', 'ip', '@releaseDomain', '\0', '\0\0'],
  4200,
);
const types = [...Object.values(MessageType), 0, 18, 21, 23, 0xffffffff];
const ids = [0, 1, 2, 3, 0x7fffffff, 0xffffffff];

/** A quarter of the inputs are treated as bytes. */
export const mutateFrames: Mutator = (random, input, other) => {
  const frames = framesOf(input);
  if (random.once(4) || frames.length === 0) return blind(random, input, other);
  for (let count = random.few(6); count > 0; count -= 1) {
    const at = random.below(frames.length);
    const frame = frames[at];
    if (frame !== undefined) frames.splice(at, 1, ...changed(random, frame, framesOf(other)));
  }
  return Buffer.concat(frames.map(encodeFrame)).subarray(0, 64 * 1024);
};

function changed(random: Random, frame: Frame, others: readonly Frame[]): Frame[] {
  const roll = random.below(8);
  if (roll === 0) return [];
  if (roll === 1) return [frame, frame];
  if (roll === 2) return [{ ...frame, type: random.pick(types) as MessageType }];
  if (roll === 3) return [{ ...frame, requestId: random.pick(ids) }];
  if (roll === 4)
    return [{ ...frame, body: Buffer.alloc(random.pick([0, 1, 4095, 4096, 4097]), random.pick(['a', '\0'])) }];
  if (roll === 5 && others.length > 0) return [frame, random.pick(others)];
  return [{ ...frame, body: body(random, frame.body, others[0]?.body ?? frame.body) }];
}

/** The whole frames at the beginning. */
export function framesOf(bytes: Buffer): Frame[] {
  return new FrameDecoder().push(bytes);
}
