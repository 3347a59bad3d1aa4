import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { ConfigPaths } from '../../../src/config/config.ts';
import { messageOf } from '../../../src/model/errors.ts';
import { type DaemonConfig, loadDaemonConfig, watchDaemonConfig } from '../../../src/policy/daemon-config.ts';
import { eventually, replaceFile, temporaryDirectory } from '../config/support.ts';

interface Heard {
  readonly reloaded: DaemonConfig[];
  readonly rejected: string[];
}

/** Longer than the watch waits for a file to settle: what has not been called by then is not called. */
const quiet = 700;

async function follow(paths: ConfigPaths): Promise<Heard> {
  const heard: Heard = { reloaded: [], rejected: [] };
  const watch = await watchDaemonConfig(paths, {
    reloaded: (config) => heard.reloaded.push(config),
    rejected: (error) => heard.rejected.push(messageOf(error)),
  });
  onTestFinished(() => watch.close());
  return heard;
}

function pathsIn(directory: string): ConfigPaths {
  return { config: join(directory, 'daemon.toml'), settings: join(directory, 'settings.toml') };
}

const subnet = (text: string) => `[network.ipv4]\nsubnet = "${text}"\n`;

test('a replaced file is reloaded, once, and only for what it means', async () => {
  const paths = pathsIn(temporaryDirectory());
  replaceFile(paths.config, subnet('10.1.0.0/16'));
  const heard = await follow(paths);
  replaceFile(paths.config, subnet('10.2.0.0/16'));
  const config = await eventually('the reload', () => heard.reloaded[0]);
  expect(config.subnets.ipv4?.prefix.text).toBe('10.2.0.0/16');
  replaceFile(paths.config, `# a comment\n${subnet('10.2.0.0/16')}`);
  writeFileSync(join(paths.config, '../other.toml'), 'broken [');
  await sleep(quiet);
  expect(heard).toEqual({ reloaded: [config], rejected: [] });
});

test('a broken file is rejected, and its mending is told even if nothing has changed since', async () => {
  const paths = pathsIn(temporaryDirectory());
  replaceFile(paths.config, subnet('10.1.0.0/16'));
  const before = await loadDaemonConfig(paths);
  const heard = await follow(paths);
  replaceFile(paths.config, subnet('10.1.0.0/99'));
  await eventually('the rejection', () => heard.rejected[0]);
  expect(heard.rejected[0]).toContain(`${paths.config}:2:10: `);
  expect(heard.reloaded).toEqual([]);
  replaceFile(paths.config, subnet('10.1.0.0/16'));
  expect(await eventually('the mending', () => heard.reloaded[0])).toEqual(before);
});

test('a file that is truncated and then written is not seen empty', async () => {
  const paths = pathsIn(temporaryDirectory());
  replaceFile(paths.config, subnet('10.1.0.0/16'));
  const heard = await follow(paths);
  writeFileSync(paths.config, '');
  await sleep(50);
  writeFileSync(paths.config, subnet('10.3.0.0/16'));
  await eventually('the reload', () => heard.reloaded[0]);
  expect(heard.reloaded.map((config) => config.subnets.ipv4?.prefix.text)).toEqual(['10.3.0.0/16']);
});

test('files whose directories appear later, vanish and come again are followed', async () => {
  const base = temporaryDirectory();
  const paths = { config: join(base, 'a/b/c/daemon.toml'), settings: join(base, 'x/settings.toml') };
  const heard = await follow(paths);
  mkdirSync(join(base, 'a/b/c'), { recursive: true });
  writeFileSync(paths.config, subnet('10.4.0.0/16'), { mode: 0o644 });
  await eventually('the first file', () => heard.reloaded.at(-1)?.subnets.ipv4?.prefix.text === '10.4.0.0/16');

  mkdirSync(join(base, 'x'));
  writeFileSync(paths.settings, 'reconcile.resync-seconds = 7\n', { mode: 0o644 });
  await eventually('the second file', () => heard.reloaded.at(-1)?.settings.reconcile.resyncSeconds === 7);

  rmSync(join(base, 'a'), { recursive: true });
  await eventually('the defaults', () => heard.reloaded.at(-1)?.subnets.ipv4?.prefix.text === '10.75.0.0/16');

  mkdirSync(join(base, 'new/b/c'), { recursive: true });
  writeFileSync(join(base, 'new/b/c/daemon.toml'), subnet('10.5.0.0/16'), { mode: 0o644 });
  renameSync(join(base, 'new'), join(base, 'a'));
  await eventually('the moved directory', () => heard.reloaded.at(-1)?.subnets.ipv4?.prefix.text === '10.5.0.0/16');
});

test('nothing is heard after close', async () => {
  const paths = pathsIn(temporaryDirectory());
  const heard: Heard = { reloaded: [], rejected: [] };
  const watch = await watchDaemonConfig(paths, {
    reloaded: (config) => heard.reloaded.push(config),
    rejected: (error) => heard.rejected.push(messageOf(error)),
  });
  replaceFile(paths.config, subnet('10.2.0.0/16'));
  await watch.close();
  await sleep(quiet);
  expect(heard).toEqual({ reloaded: [], rejected: [] });
});

/** Settings whose policies are in `directory`. */
function settingsFor(directory: string): string {
  return `[policy]\ndir = "${directory}"\n`;
}

const policy = (allow: string) => `[[policy]]\nzones = ["web"]\negress.allow = ["${allow}"]\n`;
const allowed = (config: DaemonConfig | undefined) =>
  config?.policies.flatMap(({ egress }) => egress?.allow.map(({ text }) => text) ?? []).join();

test('policies are followed: their directory may come later, and goes with all of them', async () => {
  const base = temporaryDirectory();
  const paths = pathsIn(base);
  const directory = join(base, 'etc/policy.d');
  replaceFile(paths.settings, settingsFor(directory));
  const heard = await follow(paths);
  mkdirSync(directory, { recursive: true });
  replaceFile(join(directory, 'a.toml'), policy('a.example:1'));
  await eventually('the policy', () => allowed(heard.reloaded.at(-1)) === 'a.example:1');
  replaceFile(join(directory, 'b.toml'), policy('b.example:1'));
  await eventually('the second', () => allowed(heard.reloaded.at(-1)) === 'a.example:1,b.example:1');
  rmSync(join(base, 'etc'), { recursive: true });
  await eventually('that there are none', () => allowed(heard.reloaded.at(-1)) === '');
  expect(heard.rejected).toEqual([]);
});

test('a wrong policy changes nothing, not even what the other files say, until it is right', async () => {
  const base = temporaryDirectory();
  const paths = pathsIn(base);
  const directory = join(base, 'policy.d');
  mkdirSync(directory);
  replaceFile(join(directory, 'a.toml'), policy('a.example:1'));
  replaceFile(paths.settings, settingsFor(directory));
  const heard = await follow(paths);
  replaceFile(join(directory, 'b.toml'), policy('b.example'));
  replaceFile(join(directory, 'a.toml'), policy('c.example:1'));
  await eventually('the rejection', () => heard.rejected[0]);
  expect(heard.rejected[0]).toContain(`${directory}/b.toml:3:17: "b.example" has no port`);
  expect(heard.reloaded).toEqual([]);
  replaceFile(join(directory, 'b.toml'), policy('b.example:1'));
  await eventually('the mending', () => allowed(heard.reloaded.at(-1)) === 'c.example:1,b.example:1');
});

test('another directory of policies is followed from then on, also where it is wrong at first', async () => {
  const base = temporaryDirectory();
  const paths = pathsIn(base);
  const [one, other] = [join(base, 'one'), join(base, 'other')];
  mkdirSync(one);
  mkdirSync(other);
  replaceFile(join(one, 'a.toml'), policy('a.example:1'));
  replaceFile(join(other, 'a.toml'), policy('b.example'));
  replaceFile(paths.settings, settingsFor(one));
  const heard = await follow(paths);
  replaceFile(paths.settings, settingsFor(other));
  await eventually('the rejection', () => heard.rejected[0]?.includes(`${other}/a.toml:3:17`));
  replaceFile(join(other, 'a.toml'), policy('b.example:1'));
  await eventually('the other', () => allowed(heard.reloaded.at(-1)) === 'b.example:1');
  replaceFile(join(other, 'a.toml'), policy('c.example:1'));
  await eventually('its change', () => allowed(heard.reloaded.at(-1)) === 'c.example:1');
  const before = heard.reloaded.length;
  replaceFile(join(one, 'a.toml'), policy('d.example:1'));
  await sleep(quiet);
  expect(heard.reloaded).toHaveLength(before);
});

test('a rule that moved to another line is news: its place is told', async () => {
  const base = temporaryDirectory();
  const paths = pathsIn(base);
  const directory = join(base, 'policy.d');
  mkdirSync(directory);
  replaceFile(paths.settings, settingsFor(directory));
  replaceFile(join(directory, 'a.toml'), policy('a.example:1'));
  const heard = await follow(paths);
  replaceFile(join(directory, 'a.toml'), `# a comment\n${policy('a.example:1')}`);
  const config = await eventually('the reload', () => heard.reloaded[0]);
  expect(config.policies[0]?.egress?.allow[0]?.place).toEqual({ file: join(directory, 'a.toml'), line: 4, column: 17 });
});

test('a rule about a family that is off is a warning', async () => {
  const base = temporaryDirectory();
  const paths = pathsIn(base);
  replaceFile(paths.config, '[network.ipv6]\nsubnet = ""\n');
  mkdirSync(join(base, 'policy.d'));
  replaceFile(paths.settings, settingsFor(join(base, 'policy.d')));
  replaceFile(
    join(base, 'policy.d/a.toml'),
    `[[policy]]\nzones = ["web"]\negress.allow = ["icmp", "[2001:db8::/32]:443"]\n`,
  );
  expect((await loadDaemonConfig(paths)).warnings).toEqual([
    `${base}/policy.d/a.toml:3:25: "[2001:db8::/32]:443" opens nothing: IPv6 is switched off for zones`,
  ]);
});
