import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { daemonTomlSchema } from '../../../src/config/daemon-toml.ts';
import { whyNotTrusted } from '../../../src/config/read-file.ts';
import { settingsSchema } from '../../../src/config/settings-schema.ts';
import { parseToml, readTomlFile } from '../../../src/config/toml-file.ts';
import { locatorOf } from '../../../src/config/toml-locate.ts';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { errorOf, temporaryDirectory } from './support.ts';

const anything = z.record(z.string(), z.unknown());

describe('a TOML file', () => {
  test('that is missing, or whose directory is, is no error', () => {
    const directory = temporaryDirectory();
    expect(readTomlFile(join(directory, 'none.toml'), anything)).toBeUndefined();
    expect(readTomlFile(join(directory, 'no', 'such', 'none.toml'), anything)).toBeUndefined();
  });

  test('that is a directory is unreadable', () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'daemon.toml'));
    const error = errorOf(() => readTomlFile(join(directory, 'daemon.toml'), anything));
    expect(error.code).toBe('config-unreadable');
    expect(error.message).toContain('is a directory');
  });

  test('that is a link to nothing is an error, not a missing file', () => {
    const path = join(temporaryDirectory(), 'daemon.toml');
    symlinkSync('nowhere.toml', path);
    const error = errorOf(() => readTomlFile(path, anything));
    expect(error.code).toBe('config-unreadable');
    expect(error.message).toContain('dangling symbolic link');
  });

  test('larger than 1 MiB is refused, one of exactly 1 MiB is read', () => {
    const path = join(temporaryDirectory(), 'large.toml');
    writeFileSync(path, `#${' '.repeat(1024 * 1024 - 1)}`);
    expect(readTomlFile(path, anything)?.value).toEqual({});
    truncateSync(path, 1024 * 1024 + 1);
    expect(errorOf(() => readTomlFile(path, anything)).message).toContain('is larger than 1048576 bytes');
  });

  test('that is not UTF-8 says where', () => {
    const path = join(temporaryDirectory(), 'bytes.toml');
    writeFileSync(path, Buffer.concat([Buffer.from('a = 1\nb = "'), Buffer.from([0xff]), Buffer.from('"\n')]));
    expect(errorOf(() => readTomlFile(path, anything)).message).toMatch(/bytes\.toml:2:6: not UTF-8 text/);
  });

  test.each([0o664, 0o646, 0o666])('of mode %o can be refused before it is read', (mode) => {
    const path = join(temporaryDirectory(), 'open.toml');
    writeFileSync(path, 'broken [');
    chmodSync(path, mode);
    const error = errorOf(() => readTomlFile(path, anything, whyNotTrusted));
    expect(error.code).toBe('config-invalid');
    expect(error.message).toContain(`(mode 0${mode.toString(8)})`);
  });
});

describe('an error', () => {
  test('of syntax shows file, line, column, the line and a caret', () => {
    const error = errorOf(() => parseToml('/etc/x.toml', 'a = 1\n  b = = 2\n', anything));
    expect(error.code).toBe('config-invalid');
    expect(error.exitCode).toBe(78);
    const [head = '', line, caret = ''] = error.message.split('\n');
    expect(head).toMatch(/^\/etc\/x\.toml:2:\d+: .+; expected valid TOML/);
    expect(line).toBe('  b = = 2');
    expect(caret.length).toBe(Number(head.split(':')[2]));
    expect(caret).toMatch(/^ *\^$/);
  });

  test('of meaning shows every problem at its own place', () => {
    const text = '[reconcile]\nresync-seconds = 0\n\n[forward]\nplacment = "auto"\nmark = 3\n';
    const error = errorOf(() => parseToml('s.toml', text, settingsSchema));
    expect(error.message.split('\n')).toEqual([
      's.toml:2:18: reconcile.resync-seconds is 0; expected a whole number of seconds from 1 to 86400',
      'resync-seconds = 0',
      '                 ^',
      's.toml:5:1: unknown key "forward.placment"; did you mean "placement"?',
      'placment = "auto"',
      '^',
      's.toml:6:8: forward.mark is 3 (0x3); expected one bit of a 32-bit number such as 0x10000000, or 0 for none',
      'mark = 3',
      '       ^',
    ]);
  });

  test('names the known keys where none is close', () => {
    const error = errorOf(() => parseToml('s.toml', 'gateway = 1\n', settingsSchema));
    const known = 'zones, uplink, forward, isolation, policy, fleet, reconcile, control';
    expect(error.message).toContain(`s.toml:1:1: unknown key "gateway"; expected one of ${known}`);
  });

  test('does not carry control characters or a whole long line to a terminal', () => {
    const error = errorOf(() => parseToml('s.toml', `a = "${'x'.repeat(5000)}"\n"k\\u001b[2J" = 1\n`, settingsSchema));
    expect(error.message).not.toContain('\u001b');
    expect(Math.max(...error.message.split('\n').map((line) => line.length))).toBeLessThan(300);
  });

  test('takes no time that grows with the square of the file: it comes before this test is given up', () => {
    const keys = Array.from({ length: 60_000 }, (_, index) => `k${index} = 1`).join('\n');
    const parts = `${'a.'.repeat(200_000)}a = 1`;
    expect(errorOf(() => parseToml('s.toml', keys, settingsSchema)).message.split('\n').length).toBeLessThan(100);
    expect(errorOf(() => parseToml('s.toml', parts, settingsSchema)).code).toBe('config-invalid');
  });
});

describe('the locator', () => {
  const text = `# comment with [a] = "table"
top = 1
"quoted.key" = 2
dotted.one . "two" = 3
long = """
[not-a-table]
fake = 1
"""

[network.ipv4]
subnet = "10.0.0.0/8" # subnet
[ spaced . 'table' ]
inline = { x = 1, y = { "z\\u0041" = [1, "a]", { w = 2 }] } }
list = [
  "one", # comment ]
  "two",
]
[[zone]]
name = "a"
[[zone]]
name = "b"
[zone.inner]
deep = true
`;

  test.each<[(string | number)[], 'key' | 'value', string]>([
    [['top'], 'key', '2:1'],
    [['top'], 'value', '2:7'],
    [['quoted.key'], 'value', '3:16'],
    [['dotted', 'one', 'two'], 'key', '4:14'],
    [['dotted', 'one'], 'key', '4:8'],
    [['network', 'ipv4', 'subnet'], 'value', '11:10'],
    [['network', 'ipv4', 'absent'], 'value', '10:1'],
    [['spaced', 'table', 'inline', 'y', 'zA', 1], 'value', '13:41'],
    [['spaced', 'table', 'inline', 'y', 'zA', 2, 'w'], 'key', '13:49'],
    [['spaced', 'table', 'list', 1], 'value', '16:3'],
    [['zone', 0, 'name'], 'value', '19:8'],
    [['zone', 1, 'name'], 'value', '21:8'],
    [['zone', 1, 'inner', 'deep'], 'value', '23:8'],
    [['not-a-table', 'fake'], 'key', '1:1'],
    [['absent'], 'key', '1:1'],
  ])('finds %j (%s) at %s', (path, what, place) => {
    expect(parse(text)).toBeTypeOf('object');
    const { line, column } = locatorOf(text)(path, what);
    expect(`${line}:${column}`).toBe(place);
  });

  test('finds every value of any document where that value is written', () => {
    const key = fc.oneof(
      fc.string({ minLength: 1, maxLength: 8 }),
      fc.constantFrom('a', 'b-c', 'd_e', 'é', '"', '.', '#'),
    );
    const scalar = fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.constantFrom('#', ']', '"""', "'", '\\', '\n'));
    const { document } = fc.letrec((tie) => ({
      document: fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
      value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(scalar, { maxLength: 4 }), tie('document')),
    }));
    fc.assert(
      fc.property(document, (tree) => {
        const source = stringify(tree);
        const position = locatorOf(source);
        for (const { path, value } of scalarsOf(tree, [])) {
          const { line, column } = position(path, 'value');
          const rest = source
            .split('\n')
            .slice(line - 1)
            .join('\n')
            .slice(column - 1);
          expect(rest.startsWith(stringify({ k: value }).trimEnd().slice('k = '.length))).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('any text', () => {
  const snippet = fc.constantFrom(
    '[',
    ']',
    '[[',
    '{',
    '}',
    '=',
    '.',
    '"',
    "'",
    '"""',
    "'''",
    '#',
    '\n',
    '\r\n',
    '\\',
    ',',
    ' ',
    '\t',
    'a',
    'network',
    'ipv4',
    'subnet',
    '10.75.0.0/16',
    'zones',
    '__proto__',
    'constructor',
    '1e9',
    '99999999999999999999',
    '1979-05-27',
    '\u0000',
    '\ufeff',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(snippet, { maxLength: 40 }).map((parts) => parts.join('')),
  );

  test.each([
    ['daemon.toml', daemonTomlSchema],
    ['settings', settingsSchema],
  ])('as %s is accepted or refused with an error of ours', (_name, schema: z.ZodType) => {
    fc.assert(
      fc.property(text, (source) => {
        try {
          parseToml('f.toml', source, schema);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtectNetworkError);
          expect((error as Error).message).toMatch(/^f\.toml:\d+:\d+: [^;]+/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('is walked to its end by the locator, well-formed or not', () => {
    fc.assert(
      fc.property(text, fc.array(snippet, { maxLength: 3 }), (source, path) => {
        const { line, column } = locatorOf(source)(path, 'value');
        expect(line).toBeLessThanOrEqual(source.split('\n').length);
        expect(column).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });
});

function scalarsOf(value: unknown, path: (string | number)[]): { path: (string | number)[]; value: unknown }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => scalarsOf(item, [...path, index]));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, item]) => scalarsOf(item, [...path, key]));
  }
  return [{ path, value }];
}
