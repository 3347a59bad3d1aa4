/** Completions come from the table of commands; bash itself says what it would offer. */
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { bashCompletion, fishCompletion, zshCompletion } from '../../../scripts/package/completions.ts';
import { commonOptions } from '../../../src/cli/command.ts';
import { commands } from '../../../src/cli/commands/index.ts';

const common = Object.keys(commonOptions).map((name) => `--${name}`);
const first = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))];

describe('bash', () => {
  it('offers every command first', async () => {
    expect(await offered('')).toEqual([...first, ...common, '--version'].sort());
  });

  it.each(commands.map((command) => [command.name, command] as const))(
    'offers every option of %s',
    async (name, command) => {
      const own = Object.keys(command.options ?? {}).map((option) => `--${option}`);
      expect(await offered(`${name} --`)).toEqual([...own, ...common].sort());
    },
  );

  it.each(first.filter((word) => !commands.some(({ name }) => name === word)))(
    'offers the commands of the group %s',
    async (word) => {
      const second = commands.flatMap(({ name }) => (name.startsWith(`${word} `) ? [name.slice(word.length + 1)] : []));
      expect(await offered(`${word} `)).toEqual(second.sort());
    },
  );

  it('takes the value of an option for no command', async () => {
    expect(await offered('--config status ')).toEqual([...first, ...common, '--version'].sort());
  });
});

describe.each([
  ['zsh', zshCompletion(commands), (option: string) => `'--${option}[`],
  ['fish', fishCompletion(commands), (option: string) => `-l ${option}`],
])('%s', (_shell, text, mention) => {
  it.each(commands.map((command) => [command.name, command] as const))('knows %s and its options', (name, command) => {
    for (const word of name.split(' ')) expect(text).toContain(word);
    for (const option of Object.keys({ ...command.options, ...commonOptions })) expect(text).toContain(mention(option));
  });

  it('quotes what commands say about themselves', () => {
    // Every apostrophe of a summary would end a quotation.
    const quotes = text.split('\n').map((line) => line.replaceAll("\\'", '').split("'").length - 1);
    expect(quotes.every((count) => count % 2 === 0)).toBe(true);
  });
});

/** The words that bash would offer after `protect-network LINE`, sorted. */
async function offered(line: string): Promise<string[]> {
  const words = ['protect-network', ...line.split(' ')];
  const script = `${bashCompletion(commands)}
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _protect_network
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await execa('bash', ['-c', script, 'bash', ...words]);
  return stdout.split('\n').sort();
}
