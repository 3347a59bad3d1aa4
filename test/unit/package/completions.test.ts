/** Completions come from the table of commands; bash, zsh and fish themselves say what they would offer. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, it } from 'vitest';
import { bashCompletion, fishCompletion, zshCompletion } from '../../../scripts/package/completions.ts';
import { commonOptions } from '../../../src/cli/command.ts';
import { commands } from '../../../src/cli/commands/index.ts';
import { dropPromises } from '../../../src/cli/drops-text.ts';
import { flowOrders } from '../../../src/cli/flow-options.ts';

const directory = mkdtempSync(join(tmpdir(), 'protect-network-completions-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
writeFileSync(join(directory, 'completion.bash'), bashCompletion(commands));
writeFileSync(join(directory, '_protect-network'), zshCompletion(commands));
writeFileSync(join(directory, 'completion.fish'), fishCompletion(commands));
// What the program would say of its zones, and one more, as if it did not leave out what a shell could run.
const hostile = `$(touch ${join(directory, 'pwned')})`;
writeFileSync(
  join(directory, 'protect-network'),
  `#!/bin/sh\n[ "$*" = 'complete zones' ] && printf '%s\\n' vif7.0 web '${hostile}'\n`,
);
chmodSync(join(directory, 'protect-network'), 0o755);
const environment = {
  PATH: `${directory}:/usr/sbin:/usr/bin:/sbin:/bin`,
  HOME: directory,
  TERM: 'xterm',
  LC_ALL: 'C.UTF-8',
};

const common = Object.keys(commonOptions).map((name) => `--${name}`);
const first = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))];
const shells = { bash: byBash, zsh: byZsh, fish: byFish };

describe.each(Object.entries(shells))('%s', (shell, offered) => {
  it('offers every command first', async () => {
    expect(await offered('')).toEqual(expect.arrayContaining(first));
  });

  it.each(commands.map((command) => [command.name, command] as const))(
    'offers every option of %s',
    async (name, command) => {
      const own = Object.keys(command.options ?? {}).map((option) => `--${option}`);
      expect(new Set(await offered(`${name} --`))).toEqual(new Set([...own, ...common]));
    },
  );

  it.each(first.filter((word) => !commands.some(({ name }) => name === word)))(
    'offers the commands of the group %s',
    async (word) => {
      const second = commands.flatMap(({ name }) => (name.startsWith(`${word} `) ? [name.slice(word.length + 1)] : []));
      expect(new Set(await offered(`${word} `))).toEqual(new Set(second));
    },
  );

  it.each(['explain ', 'zone set ', 'zone rm ', 'policy show ', 'explain vif7.0 --to ', 'logs --zone '])(
    'offers the zones there are after: %s',
    async (line) => {
      expect(await offered(line)).toEqual(expect.arrayContaining(['vif7.0', 'web']));
      expect(await offered(`${line}vif`)).toEqual(['vif7.0']);
    },
  );

  it.each([
    ['status -o ', ['json', 'yaml', 'wide', 'name']],
    ['zone list --output ', ['json', 'yaml', 'wide', 'name']],
    ['doctor -o ', ['json', 'yaml']],
    ['zone set vif7.0 --ipv4 ', ['auto', 'none']],
    ['status --wait ', ['ready']],
    ['flows --sort ', flowOrders],
    ['flows --direction ', ['in', 'out']],
    ['drops --kind ', dropPromises],
  ])('offers the values of an option: %s', async (line, values) => {
    expect(new Set(await offered(line))).toEqual(new Set(values));
  });

  it('runs nothing that a zone is called', async () => {
    await offered('explain ');
    await offered('explain $');
    expect(await execa('ls', [directory]).then(({ stdout }) => stdout)).not.toContain('pwned');
  });

  it('quotes what commands say about themselves', async () => {
    const file = { bash: 'completion.bash', zsh: '_protect-network', fish: 'completion.fish' }[shell] ?? '';
    await execa(shell, ['-n', join(directory, file)], { env: environment, extendEnv: false });
  });
});

it('bash takes the value of an option for no command', async () => {
  expect(await byBash('--config status ')).toEqual(expect.arrayContaining(first));
});

/** The words that each would offer after `protect-network LINE`. */
async function byBash(line: string): Promise<string[]> {
  const script = `. ${directory}/completion.bash
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _protect_network
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const words = ['protect-network', ...line.split(' ')];
  const { stdout } = await execa('bash', ['-c', script, 'bash', ...words], { env: environment, extendEnv: false });
  return stdout.split('\n');
}

async function byFish(line: string): Promise<string[]> {
  const script = `source ${directory}/completion.fish; complete -C 'protect-network ${line}'`;
  const { stdout } = await execa('fish', ['--no-config', '-c', script], { env: environment, extendEnv: false });
  return stdout.split('\n').map((each) => each.split('\t')[0] ?? '');
}

/** In a terminal of its own, since zsh completes nowhere else; what is offered goes to a file instead. */
async function byZsh(line: string): Promise<string[]> {
  const file = join(mkdtempSync(join(directory, 'zsh-')), 'offered');
  const script = `zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z ${quoted(`PS1= PS2=; fpath=(${directory} $fpath); autoload -Uz compinit; compinit -u -d ${directory}/zcompdump
      bindkey '^I' complete-word
      finish() { print end >> ${file}; exit }
      comppostfuncs=(finish)
      compadd() {
        if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return $?; fi
        local -a hits; builtin compadd -A hits "$@"; print -rl -- $hits >> ${file}
      }`)}
    zpty -w -n z ${quoted(`protect-network ${line}\t`)}
    while [[ ! -s ${file} || $(tail -n 1 ${file}) != end ]]; do zpty -r -t z > /dev/null; sleep 0.05; done`;
  await execa('zsh', ['-f', '-c', script], { env: environment, extendEnv: false, timeout: 30_000 });
  const { stdout } = await execa('cat', [file]);
  return stdout.split('\n').filter((each) => each !== '' && each !== 'end');
}

function quoted(text: string): string {
  return `$'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\t', '\\t').replaceAll('\n', '\\n')}'`;
}
