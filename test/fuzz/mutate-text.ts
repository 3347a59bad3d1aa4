/** Mutations of text by its lines and words. */
import { mutateBytes, repeated } from './mutate-bytes.ts';
import type { Random } from './random.ts';
import type { Mutator } from './target.ts';

/** What parsers stumble over, whatever the language. */
export const awkward: readonly string[] = [
  ...['', ' ', '\t', '\n', '\r\n', '\r', '\0', '\\', '"', "'", '`', '#', '%s', '$(x)', '..', '/', '//', '::', ':', ','],
  ...['[', ']', '{', '}', '(', ')', '<', '>', '=', '@', '|', '*', '[[', ']]', '"""', "'''", '\\u0000', '\\', '\u0085'],
  ...['0', '-0', '-1', '1', '00', '1e999', '0x10', '4294967296', '9007199254740993', '99999999999999999999', 'NaN'],
  ...['null', 'true', '[]', '{}', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length'],
  ...['\u202e', '\u2028', '\ufeff', '\u00e9', '\ud83d\ude00', '\ud800', 'A'.repeat(300), '\u0301'.repeat(40)],
  ...[
    '10.75.0.3',
    '10.75.0.1',
    '256.1.1.1',
    '1.2.3',
    '10.75.0.3/32',
    'fdd4:1476:6c7e::3',
    '::ffff:10.75.0.3',
    '::%eth0',
  ],
  ...['vif7.0', 'vif0.0', 'vif07.0', 'vif32752.0', 'vif7.0-emu', 'lo', 'default', 'ff02::1', '127.0.0.1', '0.0.0.0/0'],
];

/** One to eight changes of words and lines; one input in twenty is treated as bytes. `words` belong to the language. */
export function mutateText(words: readonly string[] = [], most = 64 * 1024): Mutator {
  const vocabulary = [...awkward, ...words, ...words];
  const blind = mutateBytes(most);
  return (random, input, other) => {
    if (random.once(20)) return blind(random, input, other);
    let text = input.toString('utf8');
    const foreign = other.toString('utf8');
    for (let count = random.few(8); count > 0; count -= 1) {
      text = random.pick(changes)(random, text, random.once(4) ? pieceOf(random, foreign) : random.pick(vocabulary));
    }
    return Buffer.from(text).subarray(0, most);
  };
}

type Change = (random: Random, text: string, word: string) => string;

const changes: readonly Change[] = [
  (random, text, word) => atWord(random, text, () => word),
  (random, text, word) => atWord(random, text, (old) => old + word),
  (random, text) => atWord(random, text, () => ''),
  (random, text) => atWord(random, text, (old) => old + old),
  (random, text) => atWord(random, text, (old) => numberNear(random, old)),
  (random, text) => atWord(random, text, (old) => old.slice(0, random.below(old.length))),
  (random, text) => atWord(random, text, (old) => repeated(random, Buffer.from(old)).toString()),
  (random, text, word) => atLine(random, text, (line) => [line, word]),
  (random, text) => atLine(random, text, () => []),
  (random, text) => atLine(random, text, (line) => [line, line]),
  (random, text) => atLine(random, text, (line) => [line.trimStart()]),
  (random, text) => atLine(random, text, (line) => [repeated(random, Buffer.from(`${line}\n`)).toString()]),
  (random, text) => text.slice(0, random.below(text.length + 1)),
  (random, text, word) => {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + word + text.slice(at);
  },
];

const wordShape = /[A-Za-z0-9_.:/-]+|[^\sA-Za-z0-9_]/gu;

/** Searches from a random place on, so that long texts cost no more than short ones. */
function atWord(random: Random, text: string, change: (word: string) => string): string {
  wordShape.lastIndex = random.below(text.length);
  const match = wordShape.exec(text);
  if (match === null) return text + change('');
  return text.slice(0, match.index) + change(match[0]) + text.slice(match.index + match[0].length);
}

function atLine(random: Random, text: string, change: (line: string) => string[]): string {
  const start = text.lastIndexOf('\n', random.below(text.length)) + 1;
  const next = text.indexOf('\n', start);
  const end = next < 0 ? text.length : next;
  return text.slice(0, start) + change(text.slice(start, end)).join('\n') + text.slice(end);
}

function numberNear(random: Random, word: string): string {
  return word.replace(/\d+/, (digits) => String(BigInt(digits.slice(0, 40)) + BigInt(random.below(513) - 256)));
}

function pieceOf(random: Random, text: string): string {
  const start = random.below(text.length);
  return text.slice(start, start + random.below(80));
}
