import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Config, type ConfigPaths, loadConfig } from '../../../src/config/config.ts';
import { watchConfig } from '../../../src/config/watch.ts';
import { messageOf } from '../../../src/model/errors.ts';
import { eventually, replaceFile, temporaryDirectory } from './support.ts';

interface Heard {
  readonly reloaded: Config[];
  readonly rejected: string[];
}

/** Longer than the watch waits for a file to settle: what has not been called by then is not called. */
const quiet = 700;

async function follow(paths: ConfigPaths): Promise<Heard> {
  const heard: Heard = { reloaded: [], rejected: [] };
  const watch = await watchConfig(paths, {
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
  const before = loadConfig(paths);
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
  const watch = await watchConfig(paths, {
    reloaded: (config) => heard.reloaded.push(config),
    rejected: (error) => heard.rejected.push(messageOf(error)),
  });
  replaceFile(paths.config, subnet('10.2.0.0/16'));
  await watch.close();
  await sleep(quiet);
  expect(heard).toEqual({ reloaded: [], rejected: [] });
});
