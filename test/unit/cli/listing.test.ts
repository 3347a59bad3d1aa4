/** `-o` and `--no-headers` of what lists something, without a daemon. */
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { commands } from '../../../src/cli/commands/index.ts';
import { type Place, place, run } from './support.ts';

async function withZones(): Promise<Place> {
  const here = place();
  await run('zone', 'set', 'vif7.0', '--ipv4', '10.75.0.7', '--name', 'web', ...here.options);
  await run('zone', 'set', 'vif8.0', '--ipv4', '10.75.0.8', ...here.options);
  return here;
}

describe('zone list', () => {
  it('is the same as JSON and as YAML', async () => {
    const { options } = await withZones();
    const list = (...args: readonly string[]) => run('zone', 'list', ...args, ...options);
    const [json, short, yaml] = [await list('--json'), await list('-o', 'json'), await list('--output=yaml')];
    expect(short.stdout).toBe(json.stdout);
    expect(load(yaml.stdout)).toEqual(JSON.parse(json.stdout));
    expect(yaml.stdout).toMatch(/^directory: .*\nzones:\n {2}- link: vif7\.0\n/);
  });

  it('is names alone, or rows alone', async () => {
    const here = await withZones();
    const list = (...args: readonly string[]) => run('zone', 'list', ...args, ...here.options);
    expect((await list('-o', 'name')).stdout).toBe('vif7.0\nvif8.0\n');
    const whole = (await list('-o', 'wide')).stdout;
    expect(whole).toMatch(/^LINK /);
    expect((await list('--no-headers')).stdout).toBe(whole.slice(whole.indexOf('\n') + 1));
  });

  it('of nothing prints nothing for a script', async () => {
    const { options } = place();
    for (const args of [['-o', 'name'], ['--no-headers']])
      expect((await run('zone', 'list', ...args, ...options)).stdout).toBe('');
  });

  it('is empty as YAML where it is as JSON', async () => {
    const { options } = place();
    expect(load((await run('zone', 'list', '-o', 'yaml', ...options)).stdout)).toMatchObject({
      zones: [],
      problems: [],
    });
  });
});

it.each([
  [['zone', 'list', '-o', 'table'], "--output is 'table'; expected json, yaml, wide or name"],
  [['doctor', '-o', 'name'], "--output is 'name'; expected json or yaml"],
  [['zone', 'list', '--json', '-o', 'yaml'], '--json and --output yaml contradict each other'],
  [['status', '--watch', '-o', 'name'], '--watch does not go with --output name or --no-headers'],
  [['ls'], "unknown command 'ls'; did you mean 'policy ls' or 'zone ls'?"],
  [['rm'], "unknown command 'rm'; did you mean 'zone rm'?"],
])('%j is a usage error', async (args, message) => {
  const { code, stderr } = await run(...args);
  expect([code, stderr.split('\n')[0]]).toEqual([2, `protect-network: ${message}`]);
});

it.each(commands.filter(({ options = {} }) => 'json' in options).map((command) => [command.name, command] as const))(
  '%s, which prints JSON, prints YAML, too',
  (_name, { options }) => {
    expect(options?.['output']).toMatchObject({ short: 'o', values: expect.arrayContaining(['json', 'yaml']) });
  },
);
