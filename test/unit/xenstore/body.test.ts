import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeDirectoryPart,
  decodeErrno,
  decodeEvent,
  decodePermissions,
  decodeStrings,
  decodeTransactionId,
  encodeStrings,
} from '../../../src/xenstore/body.ts';
import { XenstoreError } from '../../../src/xenstore/errors.ts';
import { below, parsePath, path } from '../../../src/xenstore/path.ts';
import { encodePermissions } from '../../xenstored/writes.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('bodies', () => {
  test('the first permission names the owner and what everybody else may do', () => {
    expect(decodePermissions(bytes('n0\0r5\0b7\0'))).toEqual({
      owner: 0,
      others: 'none',
      entries: [
        { domid: 5, access: 'read' },
        { domid: 7, access: 'both' },
      ],
    });
  });

  test('permissions survive encoding', () => {
    const access = fc.constantFrom('none' as const, 'read' as const, 'write' as const, 'both' as const);
    const entry = fc.record({ domid: fc.nat(32_767), access });
    const permissions = fc.record({
      owner: fc.nat(32_767),
      others: access,
      entries: fc.array(entry, { maxLength: 9 }),
    });
    fc.assert(
      fc.property(permissions, (value) => {
        expect(decodePermissions(encodeStrings(...encodePermissions(value)))).toEqual(value);
      }),
    );
  });

  test.each(['', 'n0', 'x0\0', 'n\0', 'n-1\0', 'n00\0', 'n0 \0', 'n0\0\0', 'n123456\0', 'N0\0', '\xff\0'])(
    'permissions %j are refused',
    (body) => {
      expect(() => decodePermissions(bytes(body))).toThrow(XenstoreError);
    },
  );

  test('a part of a directory says whether it is the last, and where the next begins', () => {
    expect(decodeDirectoryPart(bytes('7\0tool\0local\0'))).toEqual({
      generation: '7',
      names: ['tool', 'local'],
      bytes: 11,
      last: false,
    });
    expect(decodeDirectoryPart(bytes('7\0tool\0\0'))).toMatchObject({ names: ['tool'], last: true });
    expect(decodeDirectoryPart(bytes('7\0\0'))).toMatchObject({ names: [], last: true });
    expect(decodeDirectoryPart(bytes('7\0tool\0\0'), '7')).toMatchObject({ names: ['tool'], last: true });
  });

  test('a part of another generation may begin anywhere, and is not looked at', () => {
    expect(decodeDirectoryPart(bytes('8\0\0ol\0local\0'), '7')).toBeUndefined();
  });

  test.each(['', '7\0', 'x\0tool\0', '7\0a\0\0b\0', '7\0a'])('part of a directory %j is refused', (body) => {
    expect(() => decodeDirectoryPart(bytes(body))).toThrow(XenstoreError);
  });

  test('no bytes make any decoder throw anything but XenstoreError', () => {
    const decoders = [
      decodePermissions,
      decodeDirectoryPart,
      decodeStrings,
      decodeErrno,
      decodeEvent,
      decodeTransactionId,
    ];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (body) => {
        for (const decoder of decoders) {
          try {
            decoder(Buffer.from(body));
          } catch (error) {
            expect(error).toBeInstanceOf(XenstoreError);
          }
        }
      }),
    );
  });
});

describe('paths', () => {
  test.each(['/', '/local', '/local/domain/0/backend/vif/1/0', '/a-b_c@d', `/${'a'.repeat(3071)}`])(
    '%s is one',
    (text) => {
      expect(parsePath(text)).toBe(text);
    },
  );

  test.each([
    '',
    'local',
    '//',
    '/a//b',
    '/a/',
    '/a b',
    '/a\0',
    '/a.b',
    '/ä',
    '@introduceDomain',
    `/${'a'.repeat(3072)}`,
  ])('%j is none', (text) => {
    expect(parsePath(text)).toBeUndefined();
  });

  test('below() takes names, not paths', () => {
    expect(below(path('/'), 'local', 5)).toBe('/local/5');
    expect(() => below(path('/local'), '../x')).toThrow(RangeError);
    expect(() => below(path('/local'), 'a/b')).toThrow(RangeError);
    expect(() => below(path('/local'), '')).toThrow(RangeError);
  });
});
