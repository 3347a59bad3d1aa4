/** What operators are told to type, write and read is there: commands, settings, links. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { operatorDocs } from '../../../scripts/package/manifest.ts';
import { parseArguments } from '../../../src/cli/command.ts';
import { findCommand } from '../../../src/cli/command-line.ts';
import { commands } from '../../../src/cli/commands/index.ts';
import { daemonTomlSchema } from '../../../src/config/daemon-toml.ts';
import { settingsSchema } from '../../../src/config/settings-schema.ts';
import { decodeToml } from '../../../src/config/toml-decode.ts';
import { policyFileSchema } from '../../../src/policy/policy-file.ts';
import { anchorsIn, blocksIn, documents, linksIn, read, spansIn } from '../../lab/markdown.ts';

const pages = [...documents(), read('SECURITY.md')];
const typed = pages.flatMap(({ path, text }) => commandLinesIn(text).map((line) => ({ path, line })));
const written = pages.flatMap(({ path, text }) =>
  blocksIn(text)
    .filter(({ language }) => language === 'toml')
    .map((block) => ({ path, text: block.text, first: block.text.split('\n', 1)[0] })),
);

describe('a command that operators are told to type', () => {
  it('is found in the documentation', () => {
    expect(typed.length).toBeGreaterThan(80);
    const names = new Set(typed.map(({ line }) => line[0]));
    for (const name of ['status', 'explain', 'doctor', 'logs', 'plan', 'check', 'zone', 'cleanup'])
      expect(names).toContain(name);
  });

  it.each(typed)('$path: $line', ({ line }) => {
    const { command, rest } = findCommand(commands, line);
    if (command === undefined) expect(rest).toSatisfy(isQuestion);
    // A command that is only mentioned, `explain`, stands without its arguments.
    else if (line.length > command.name.split(' ').length) parseArguments(command, rest);
  });
});

describe('settings that operators are shown', () => {
  it('are found in the documentation', () => expect(written.length).toBeGreaterThan(8));

  it.each(written)('$path: $first', ({ text }) => {
    if (text.includes('[[policy]]')) {
      expect(decodeToml(text, policyFileSchema)).toMatchObject({ ok: true });
      return;
    }
    const isDaemonToml = /^\[network\b/m.test(text);
    const decoded = isDaemonToml ? decodeToml(text, daemonTomlSchema) : decodeToml(text, settingsSchema);
    expect(decoded).toMatchObject({ ok: true });
    const tables = Object.keys(parse(text));
    expect(tables.length).toBeGreaterThan(0);
    if (isDaemonToml) expect(tables).toEqual(['network']);
  });
});

describe.each(pages)('$path', (page) => {
  it('links to what there is', () => {
    for (const { target, anchor } of linksIn(page)) {
      expect(existsSync(join(import.meta.dirname, '../../..', target)), target).toBe(true);
      if (anchor !== undefined) expect(anchorsIn(read(target).text), `${target}#${anchor}`).toContain(anchor);
    }
  });
});

describe('every page is led to', () => {
  const operators = operatorDocs(join(import.meta.dirname, '../../..'));
  const pages = documents().filter(({ path }) => path.startsWith('docs/') && path !== 'docs/README.md');

  it.each(pages)('$path', ({ path }) => {
    const index = operators.includes(path) ? 'docs/README.md' : 'README.md';
    expect(linksIn(read(index)).map(({ target }) => target)).toContain(path);
  });
});

function isQuestion(rest: readonly string[]): boolean {
  return rest.includes('--help') || rest.includes('--version');
}

/** The words behind `protect-network` of each command in blocks and in text; placeholders and `…` are words too. */
function commandLinesIn(text: string): string[][] {
  const shell = blocksIn(text).filter(({ language }) => language === 'sh');
  const lines = [...shell.flatMap((block) => block.text.split('\n')), ...spansIn(text)];
  return lines.flatMap((line) => {
    const parts = line.replace(/(^| )#.*$/, '').split(/ *(?:&&|;|\||\$\()(?= |$) */);
    return parts.flatMap((part) => wordsOf(part.replace(/ *[<>].*$/, '')));
  });
}

/** Nothing where it is another program's command: `apt remove protect-network`. */
function wordsOf(part: string): string[][] {
  const [program, ...words] = [...part.trim().matchAll(/'[^']*'|"[^"]*"|\S+/g)].map(([word]) =>
    word.replaceAll(/^['"]|['"]$/g, ''),
  );
  if (program === 'sudo' && words[0] === 'protect-network') return [words.slice(1)].filter(isCommand);
  return program === 'protect-network' && isCommand(words) ? [words] : [];
}

/** `protect-network: REASON` and the bare name are no commands, nor is what ends with an ellipsis. */
function isCommand(words: readonly string[]): boolean {
  return words.length > 0 && !words.includes('…') && /^(--)?[a-z]+$/.test(words[0] ?? '');
}
