import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NamePattern } from '../../../src/policy/model.ts';
import { matchesPattern, parsePattern, suffixKind } from '../../../src/policy/pattern.ts';

function pattern(text: string): NamePattern {
  const parsed = parsePattern(text);
  if (typeof parsed === 'string') throw new Error(`${text} ${parsed}`);
  return parsed;
}

describe('a pattern', () => {
  it.each([
    [
      'api.example.com',
      ['api.example.com'],
      ['example.com', 'x.api.example.com', 'api.example.com.', 'xapi.example.com'],
    ],
    [
      '*.example.com',
      ['api.example.com', '_a.example.com'],
      ['example.com', 'a.b.example.com', '.example.com', 'xexample.com'],
    ],
    [
      '**.example.com',
      ['api.example.com', 'a.b.c.example.com'],
      ['example.com', '.example.com', 'api.example.org', 'xexample.com'],
    ],
    ['db', ['db'], ['db.example.com', 'x.db']],
  ])('%s takes what it says', (text, fitting, others) => {
    expect(fitting.filter((name) => !matchesPattern(pattern(text), name))).toEqual([]);
    expect(others.filter((name) => matchesPattern(pattern(text), name))).toEqual([]);
  });

  it.each([
    ['API.Example.COM', { base: 'api.example.com', labels: 'none', text: 'api.example.com' }],
    ['api.example.com.', { base: 'api.example.com', labels: 'none', text: 'api.example.com' }],
    ['*.A_b.example', { base: 'a_b.example', labels: 'one', text: '*.a_b.example' }],
    ['**.xn--bcher-kva.example', { base: 'xn--bcher-kva.example', labels: 'some', text: '**.xn--bcher-kva.example' }],
  ])('%s is read in lower case, without the last dot', (text, value) => {
    expect(parsePattern(text)).toEqual(value);
  });

  it.each([
    [
      'api.*.example.com',
      'has a wildcard that is no label of its own at the front; expected one such as "*.example.com"',
    ],
    ['*api.example.com', 'has a wildcard that is no label'],
    ['***.example.com', 'has a wildcard that is no label'],
    ['*', 'has a wildcard that is no label'],
    ['*.*.example.com', 'has a wildcard that is no label'],
    ['bücher.example', 'has letters beyond ASCII; expected the name as DNS has it, "xn--bcher-kva.example"'],
    ['*.日本語.jp', 'expected the name as DNS has it, "*.xn--wgv71a119e.jp"'],
    ['a\u200b b.example', 'has letters that no name has'],
    ['api..example.com', 'has an empty label'],
    ['.example.com', 'has an empty label'],
    ['*..example.com', 'has an empty label'],
    ['', 'has an empty label'],
    ['*.', 'has an empty label'],
    ['exa mple.com', 'has " " in a name'],
    ['a@example.com', 'has "@" in a name'],
    [`${'x'.repeat(64)}.example`, 'has a label of 64 characters; expected at most 63'],
    [`${'x.'.repeat(126)}xx`, 'is a name of 254 characters; expected at most 253'],
    [`**.${'x.'.repeat(125)}x`, 'is a name of 254 characters'],
    ['10.0.0.256', 'is neither an address nor a name'],
    ['0x7f.0x1', 'is neither an address nor a name'],
  ])('%s is none', (text, wrong) => {
    expect(parsePattern(text)).toContain(wrong);
  });

  it('takes a name of 253 characters, and a label of 63', () => {
    expect(pattern(`${'x.'.repeat(126)}x`).base).toHaveLength(253);
    expect(pattern(`${'x'.repeat(63)}.example`).labels).toBe('none');
  });
});

const label = fc.stringMatching(/^[a-z_-][a-z0-9_-]{0,7}[a-z]$/);
const labels = fc.array(label, { minLength: 1, maxLength: 5 });

it('takes a name by the number of labels ahead of its base, for any names', () => {
  const allowed = { none: [0], one: [1], some: [1, 2, 3, 4, 5] };
  const one = fc.record({
    front: fc.constantFrom('', '*.', '**.'),
    base: labels,
    ahead: fc.array(label, { maxLength: 5 }),
  });
  fc.assert(
    fc.property(one, ({ front, base, ahead }) => {
      const read = pattern(front + base.join('.'));
      const name = [...ahead, ...base].join('.');
      expect(matchesPattern(read, name)).toBe(allowed[read.labels].includes(ahead.length));
      expect(pattern(read.text)).toEqual(read);
    }),
  );
});

it('takes no name that does not end in its base, for any names', () => {
  fc.assert(
    fc.property(fc.constantFrom('', '*.', '**.'), labels, labels, (front, base, other) => {
      const name = other.join('.');
      fc.pre(name !== base.join('.') && !name.endsWith(`.${base.join('.')}`));
      expect(matchesPattern(pattern(front + base.join('.')), name)).toBe(false);
    }),
  );
});

it.each([
  ['*.co.uk', 'registry'],
  ['**.com', 'registry'],
  ['*.xn--p1ai', 'registry'],
  ['*.internal', 'registry'],
  ['*.kawasaki.jp', 'registry'],
  ['*.github.io', 'provider'],
  ['*.githubusercontent.com', 'provider'],
  ['**.s3.amazonaws.com', 'provider'],
  ['*.example.co.uk', undefined],
  ['**.example.com', undefined],
  ['*.someone.github.io', undefined],
  ['co.uk', undefined],
])('who hands out names under %s: %s', async (text, kind) => {
  expect(await suffixKind(pattern(text))).toBe(kind);
});
