import { expect, test } from 'vitest';
import { type Command, defaultPaths, parseArguments } from '../../../src/cli/command.ts';
import { findCommand } from '../../../src/cli/command-line.ts';
import { commands } from '../../../src/cli/commands/index.ts';
import { defaultControlSocket } from '../../../src/cli/control-socket.ts';
import { commandHelp, overview } from '../../../src/cli/help.ts';
import { version } from '../../../src/cli/version.ts';
import { defaultConfigPaths } from '../../../src/config/config.ts';
import { defaultSettings } from '../../../src/config/settings-schema.ts';
import { run } from './support.ts';

test('the defaults that are repeated for speed are the defaults', () => {
  expect(defaultPaths).toEqual(defaultConfigPaths);
  expect(defaultControlSocket).toBe(defaultSettings.control.socket);
});

test('options may stand anywhere', () => {
  const found = findCommand(commands, ['--config', 'zone', '--debug', 'zone', 'set', 'vif7.0', '--ipv4=10.75.0.3']);
  expect(found).toMatchObject({
    words: ['zone', 'set'],
    rest: ['--config', 'zone', '--debug', 'vif7.0', '--ipv4=10.75.0.3'],
  });
  const args = parseArguments(found.command as Command, found.rest);
  expect([args.paths.config, args.positionals, args.texts('ipv4')]).toEqual([
    `${process.cwd()}/zone`,
    ['vif7.0'],
    ['10.75.0.3'],
  ]);
});

test.each([
  [
    ['frobnicate'],
    "unknown command 'frobnicate'; expected one of run, dns, status, top, flows, drops, explain, doctor, logs, capture, plan, check, policy, zone, report, cleanup",
  ],
  [['statsu'], "unknown command 'statsu'; did you mean 'status'?"],
  [['zone', 'sets'], "unknown command 'zone sets'; did you mean 'zone set'?"],
  [['zone'], "unknown command 'zone'; expected one of 'zone show', 'zone set', 'zone unset', 'zone list'"],
  [['zone', 'frob'], "unknown command 'zone frob'"],
  [['status', '--frob'], "unknown option '--frob'"],
  [['status', 'now'], "unexpected argument 'now'"],
  [['status', '--json=yes'], "option '--json' does not take an argument"],
  [['zone', 'set', '--ipv4', '10.75.0.3'], 'LINK|NAME is missing'],
  [['zone', 'set', 'vif7.0'], 'nothing to set for vif7.0: --ipv4, --ipv6 or --name'],
  [['zone', 'set', 'vif7.0', '--name', 'web', '--name', 'db'], '--name is given more than once'],
  [['zone', 'set', 'vif7.0', '--ipv4', ''], '--ipv4 is empty'],
  [['zone', 'set', 'vif7', '--ipv4', '10.75.0.3'], "'vif7' is not a zone link"],
  [['zone', 'unset', 'vif7.'], "'vif7.' is not a zone link"],
  [['zone', 'set', 'vif7.0', '--ipv4', '10.75.0.300'], "--ipv4 is '10.75.0.300'; expected an IPv4 address"],
  [['zone', 'set', 'vif7.0', '--ipv6', '10.75.0.3'], "--ipv6 is '10.75.0.3'; expected an IPv6 address"],
  [['explain', 'vif7.0', '--seconds', '3'], '--seconds needs --live'],
  [['run', '--log-format', 'xml'], "--log-format is 'xml'; expected text or json"],
])('%j is a usage error', async (args, message) => {
  const outcome = commandOf(args);
  await expect(outcome).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(message) });
});

test('a usage error says where help is', async () => {
  const { code, stdout, stderr } = await run('zone', 'set');
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toBe(
    `protect-network: LINK|NAME is missing\nprotect-network: see 'protect-network zone set --help'\n`,
  );
  expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining("see 'protect-network --help'") });
});

/** Finds, parses and runs in this process; none of the above gets far enough to print. */
async function commandOf(argv: readonly string[]): Promise<unknown> {
  const { command, rest } = findCommand(commands, argv);
  return command?.run(parseArguments(command, rest));
}

test('help is for people: everything is in it, nothing is wider than a terminal', async () => {
  const texts = [overview(commands), overview(commands, 'zone'), ...commands.map(commandHelp)];
  const tooWide = texts.flatMap((text) => text.split('\n').filter((line) => line.length > 100));
  expect(tooWide).toEqual([]);
  for (const command of commands) {
    expect(overview(commands)).toContain(command.name);
    for (const option of Object.keys(command.options ?? {})) expect(commandHelp(command)).toContain(`--${option}`);
  }
  expect(await run('--help')).toEqual({ code: 0, stdout: texts[0], stderr: '' });
  expect((await run('zone', 'set', '--help')).stdout).toMatch(
    /^Usage: protect-network zone set LINK\|NAME \[OPTIONS\]\n/,
  );
});

test('prints its version', async () => {
  expect(await run('--version')).toEqual({ code: 0, stdout: `protect-network ${version}\n`, stderr: '' });
});

test('a name from the command line cannot steer the terminal', async () => {
  const { stderr } = await run('zone', 'set', '\x1b[2Jvif7.0', '--ipv4', '10.75.0.3');
  expect(stderr).toContain("'\ufffd[2Jvif7.0' is not a zone link");
});

test.each([
  [['-h'], overview(commands)],
  [['help'], overview(commands)],
  [['zone', '-h'], overview(commands, 'zone')],
  [['help', 'zone'], overview(commands, 'zone')],
])('%j prints the same as --help', async (args, text) => {
  expect(await run(...args)).toEqual({ code: 0, stdout: text, stderr: '' });
});

test.each([
  ['status', '-h'],
  ['help', 'zone', 'rm'],
  ['zone', 'ls', '-h'],
])('%j %j %j prints the help of its command', async (...args) => {
  const { code, stdout } = await run(...args);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^Usage: protect-network (status|zone unset|zone list) /)]);
});
