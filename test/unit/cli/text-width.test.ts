import { expect, test } from 'vitest';
import { wrapped } from '../../../src/cli/text-width.ts';

test('a caret stays below what it points at', () => {
  const lines = ['subnet = "10.75.0.0/33"', '         ^'].flatMap((line) => wrapped(line, 40, '  '));
  expect(lines).toEqual(['  subnet = "10.75.0.0/33"', '           ^']);
});

test('lines break at blanks, and blanks in front never make an empty line', () => {
  expect(wrapped('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrapped('     abcdef', 8)).toEqual(['abcdef']);
  expect(wrapped('', 8)).toEqual(['']);
});
