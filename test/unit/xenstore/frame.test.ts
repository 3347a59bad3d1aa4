import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { encodeFrame, type Frame, FrameDecoder, MessageType, maxBodyBytes } from '../../../src/xenstore/frame.ts';
import { heldBytes } from './memory.ts';

const id = fc.nat(0xffffffff);
const frame: fc.Arbitrary<Frame> = fc.record({
  type: fc.constantFrom(...Object.values(MessageType)),
  requestId: id,
  transactionId: id,
  body: fc.uint8Array({ maxLength: maxBodyBytes, size: 'max' }).map((bytes) => Buffer.from(bytes)),
});

/** `bytes` cut at every one of `cuts`. */
function chop(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

function decode(chunks: readonly Buffer[]): { frames: Frame[]; broken: string | undefined } {
  const decoder = new FrameDecoder();
  const frames = chunks.flatMap((chunk) => decoder.push(chunk));
  return { frames, broken: decoder.broken?.message };
}

describe('FrameDecoder', () => {
  test('gives the frames that were encoded, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 20 }), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(encodeFrame));
        expect(decode(chop(stream, cuts))).toEqual({ frames, broken: undefined });
      }),
    );
  });

  test('makes the same of any bytes in one piece, in single bytes and in between, and never throws', () => {
    const plausible = fc.oneof(
      frame.map(encodeFrame),
      fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(fc.array(plausible, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 9 }), (pieces, cuts) => {
        const stream = Buffer.concat(pieces);
        const whole = decode([stream]);
        expect(decode(chop(stream, cuts))).toEqual(whole);
        expect(decode([...stream].map((byte) => Buffer.of(byte)))).toEqual(whole);
      }),
    );
  });

  test('gives what came before the garbage, and nothing after it', () => {
    const good: Frame = { type: MessageType.read, requestId: 1, transactionId: 0, body: Buffer.from('x') };
    const tooLong = Buffer.alloc(16);
    tooLong.writeUInt32LE(MessageType.read, 0);
    tooLong.writeUInt32LE(maxBodyBytes + 1, 12);
    const stream = Buffer.concat([encodeFrame(good), tooLong, encodeFrame(good)]);
    expect(decode([stream])).toEqual({ frames: [good], broken: 'message of 4097 bytes where 4096 are the most' });
  });

  test('refuses an unknown type as soon as the header is there', () => {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(99, 0);
    expect(decode([header.subarray(0, 15)]).broken).toBeUndefined();
    expect(decode([header]).broken).toBe('message of unknown type 99');
  });

  test('holds no more after 100 MB of endless frames than before', async () => {
    const decoder = new FrameDecoder();
    const chunk = Buffer.concat(
      Array.from({ length: 16 }, () =>
        encodeFrame({ type: MessageType.watchEvent, requestId: 0, transactionId: 0, body: Buffer.alloc(maxBodyBytes) }),
      ),
    );
    const before = heldBytes();
    for (let sent = 0; sent < 100e6; sent += chunk.length) decoder.push(chunk);
    for (let index = 0; index < 1000; index += 1) decoder.push(Buffer.alloc(65_536, 0xff));
    await vi.waitFor(() => expect(heldBytes() - before).toBeLessThan(10e6));
  });
});
