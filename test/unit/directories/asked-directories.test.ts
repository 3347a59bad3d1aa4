/** Zone directories that fail in a way nobody foresaw. */
import { expect, it } from 'vitest';
import { AskedDirectories } from '../../../src/directories/asked-directories.ts';
import { configOf } from '../../events/config.ts';
import { MemoryDirectory } from '../../events/memory-directory.ts';

class BrokenDirectory extends MemoryDirectory {
  override start(): Promise<void> {
    return Promise.reject(new Error('out of luck'));
  }
}

class EndingDirectory extends MemoryDirectory {
  isStopped = false;

  override async stop(): Promise<void> {
    this.isStopped = true;
    await super.stop();
  }
}

it('one that cannot be started is reported, keeps no other from answering, and those before it are stopped', async () => {
  const failures: string[] = [];
  const [before, other] = [new EndingDirectory('static'), new MemoryDirectory('static', { 'vif7.0': ['10.75.0.3'] })];
  const sets = [[before], [new BrokenDirectory('xenstore'), other]];
  const news: string[] = [];
  const directories = new AskedDirectories({
    config: configOf(),
    make: () => sets.shift() ?? [],
    links: () => [],
    news: (what) => news.push(what),
    failed: (name, error) => failures.push(`${name}: ${error}`),
  });
  await directories.start();
  directories.ask();
  const { settings, ...config } = configOf();
  await directories.reload({ ...config, settings: { ...settings, zones: { ...settings.zones, staticDir: '/other' } } });
  expect(failures).toEqual(['xenstore: Error: out of luck']);
  expect(before.isStopped).toBe(true);
  directories.ask();
  other.poke();
  expect(news).toContain('zone directory static changed');
});
