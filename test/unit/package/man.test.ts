/** The man pages: clean for mandoc, and complete. */
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { manPages } from '../../../scripts/package/manifest.ts';
import { commonOptions, type Option } from '../../../src/cli/command.ts';
import { commands } from '../../../src/cli/commands/index.ts';
import { ExitCode } from '../../../src/model/errors.ts';

const pages = manPages(join(import.meta.dirname, '../../..'), 1_700_000_000).map(({ to, from }) => {
  return { name: to, text: typeof from === 'string' ? '' : String(from.text) };
});
const program = textOf('share/man/man8/protect-network.8');

describe.each(pages)('$name', ({ text }) => {
  it('is clean', async () => {
    const { all } = await execa('mandoc', ['-T', 'lint', '-W', 'style'], { input: text, all: true, reject: false });
    expect(all).toBe('');
  });
});

describe('protect-network(8)', () => {
  it.each(commands.map((command) => [command.name, command] as const))('tells all of %s', (name, command) => {
    const words = [name, ...(command.positionals ?? [])].join(' ');
    const section = sectionsOf(program).get(words);
    expect(section).toBeDefined();
    expect(program).toContain(`protect-network ${name}`);
    for (const [option, what] of Object.entries(command.options ?? {})) expect(section).toContain(told(option, what));
    for (const [code, meaning] of command.exitCodes) expect(flat(section)).toContain(`${code} ${meaning}`);
    for (const example of command.examples) expect(section).toContain(example);
  });

  it('has no section of a command that does not exist', () => {
    const names = commands.map(({ name, positionals = [] }) => [name, ...positionals].join(' '));
    expect([...sectionsOf(program).keys()]).toEqual(names);
  });

  it('tells the options of every command, and every exit code there is', () => {
    for (const [option, what] of Object.entries(commonOptions)) expect(program).toContain(told(option, what));
    const codes = flat(program.slice(program.indexOf('.SH EXIT STATUS'), program.indexOf('.SH SIGNALS')));
    for (const code of Object.values(ExitCode)) expect(codes).toMatch(new RegExp(`\\.TP ${code} [a-z]`));
  });
});

/** Without fonts and escapes; macros stay. */
function textOf(name: string): string {
  const page = pages.find((each) => each.name === name)?.text ?? '';
  return page
    .replaceAll(/\\f[BIR]/g, '')
    .replaceAll('\\-', '-')
    .replaceAll('\\&', '')
    .replaceAll('\\e', '\\');
}

/** The text of each command, by its heading. */
function sectionsOf(page: string): Map<string, string> {
  const list = page.slice(page.indexOf('.SH COMMANDS'), page.indexOf('.SH OPTIONS'));
  return new Map(
    list
      .split('\n.SS ')
      .slice(1)
      .map((text) => [text.split('\n', 1)[0] ?? '', text]),
  );
}

function told(option: string, { value, short }: Option): string {
  const names = short === undefined ? `--${option}` : `-${short}, --${option}`;
  return `\n.TP\n${value === undefined ? names : `${names} ${value}`}\n`;
}

function flat(text = ''): string {
  return text.replaceAll(/\s+/g, ' ');
}
