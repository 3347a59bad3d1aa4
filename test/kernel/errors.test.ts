/** What keeps the program from starting: an exit code and a sentence for each. */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandResult } from '../lab/command.ts';
import { programPath } from '../lab/daemon.ts';
import { withNft } from '../lab/stand-in.ts';
import { createWorld, type World } from '../lab/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.destroy());

describe('a bad daemon.toml', () => {
  it.each([
    ['no TOML', '[network.ipv4]\nsubnet = 10.75.0.0/16\n', 2],
    ['a value of the wrong type', '[network.ipv4]\nsubnet = 7\n', 2],
    ['an impossible subnet', '# ours\n\n[network.ipv6]\nsubnet = "fdd4:1476:6c7e::/129"\n', 4],
    ['both families switched off', '[network]\nipv4.subnet = ""\nipv6.subnet = ""\n', 2],
  ])('ends every command with 78, the place, the line and a caret: %s', async (_what, text, line) => {
    await world.files.writeConfig(text);
    const results = await Promise.all(['run', 'check', 'plan'].map((command) => world.cli([command])));
    for (const result of results) expectPlace(result, world.files.config, text, line);
    await world.files.writeDefaults();
  });
});

describe('bad settings', () => {
  it.each([
    ['an unknown key', '[forward]\nplacment = "first"\n', 2, /unknown key .*did you mean "placement"/],
    ['a value out of range', '[reconcile]\nresync-seconds = 0\n', 2, /expected a whole number of seconds/],
    ['an unknown section', '[uplinks]\ninterfaces = []\n', 1, /unknown key/],
    ['no TOML', 'zones = [}\n', 1, /expected valid TOML/],
  ])('end with 78, the place, the line and a caret: %s', async (_what, text, line, sentence) => {
    await writeFile(world.files.settings, text);
    const result = await world.cli(['run']);
    expectPlace(result, world.files.settings, text, line);
    expect(result.stderr).toMatch(sentence);
    await world.files.writeDefaults();
  });

  it('and a bad daemon.toml are named together', async () => {
    await writeFile(world.files.settings, 'nonsense = 1\n');
    await world.files.writeConfig('nonsense\n');
    const { exitCode, stderr } = await world.cli(['run']);
    expect(exitCode).toBe(78);
    expect(stderr).toContain(`${world.files.settings}:1:1: `);
    expect(stderr).toContain(`${world.files.config}:1:`);
    await world.files.writeDefaults();
  });
});

describe('a bad policy', () => {
  it('ends run and check with 78, the place, the line and a caret, and the host stays as it is', async () => {
    const before = await world.host.snapshot();
    const text = '[[policy]]\nzones = ["web"]\negress.allow = ["icmp", "api.example.com"]\n';
    await world.files.writePolicy('good.toml', '[[policy]]\nzones = ["db"]\negress = {}\n');
    await world.files.writePolicy('wrong.toml', text);
    const results = await Promise.all(['run', 'check'].map((command) => world.cli([command])));
    for (const result of results) expectPlace(result, join(world.files.policies, 'wrong.toml'), text, 3);
    expect(await world.host.snapshot()).toBe(before);
    await rm(world.files.policies, { recursive: true });
  });
});

describe('a file that cannot be read', () => {
  it('because it is a directory ends with 78 and its name', async () => {
    await rm(world.files.config);
    await mkdir(world.files.config);
    const { exitCode, stderr } = await world.cli(['run']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 78, stderr: expect.stringContaining(world.files.config) });
    await rm(world.files.config, { recursive: true });
    await world.files.writeDefaults();
  });

  it('because it is not permitted ends with 77 and its name', async () => {
    await chmod(world.files.directory, 0o755);
    await chmod(world.files.settings, 0o600);
    const { exitCode, stderr } = await asNobody(['check']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 77, stderr: expect.stringContaining(world.files.settings) });
    await chmod(world.files.settings, 0o644);
  });
});

describe('a host that is not as it must be', () => {
  it.each(['run', 'plan', 'cleanup'])('without permission: %s ends with 77', async (command) => {
    await chmod(world.files.directory, 0o755);
    const { exitCode, stderr } = await asNobody([command]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 77,
      stderr: expect.stringMatching(/needs root, or CAP_NET_ADMIN/),
    });
  });

  it.each(['run', 'plan', 'cleanup'])('without nft: %s ends with 1 and names the package', async (command) => {
    const { exitCode, stderr } = await withNft(world, '/dev/null', [command]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(/nft is not in .*install the package nftables/),
    });
  });

  it.each(['run', 'plan'])('without nf_tables in the kernel: %s ends with 1 and says so', async (command) => {
    // What nft 1.0.6 prints on such a kernel; this one has it, so a stand-in says it.
    const standIn = join(world.files.directory, 'nft-on-a-kernel-without-nf-tables');
    await writeFile(
      standIn,
      '#!/bin/sh\necho "nft: Unable to initialize Netlink socket: Protocol not supported" >&2\nexit 1\n',
      { mode: 0o755 },
    );
    const { exitCode, stderr } = await withNft(world, standIn, [command]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(/this kernel has no nf_tables/),
    });
  });

  it('leaves no trace of any of these attempts', async () => {
    expect(await world.host.mustExec('nft', ['list', 'ruleset'])).toBe('');
    expect(await world.host.sysctl('net/ipv4/ip_forward')).toBe('0');
  });
});

describe('a command line that means nothing', () => {
  it.each([[[]], [['frobnicate']], [['run', '--frobnicate']], [['run', 'vif7.0']], [['zone']]])(
    '%j ends with 2',
    async (args) => {
      const { exitCode, stderr } = await world.host.exec(programPath, args);
      expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('--help') });
    },
  );
});

function expectPlace({ exitCode, stderr }: CommandResult, file: string, text: string, line: number): void {
  expect(exitCode, stderr).toBe(78);
  expect(stderr).toMatch(new RegExp(`${file}:${line}:\\d+: `));
  expect(stderr).toContain(`\n${text.split('\n')[line - 1]}\n`);
  expect(stderr).toMatch(/\n *\^/);
}

/** Runs a command as user and group 65534, which may do nothing to the network. */
function asNobody(args: readonly string[]): Promise<CommandResult> {
  const identity = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
  return world.host.exec('setpriv', [...identity, programPath, ...args, ...world.files.options]);
}
