/** Debian's systemd-networkd on a world's host. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LongRunning } from '../lab/command.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { World } from '../lab/world.ts';
import { unpackManagers } from './packages.ts';
import { PrivateRoot } from './private-root.ts';

/** `files` by name, as in /usr/lib/systemd/network. */
export async function installNetworkd(world: World, files: Readonly<Record<string, string>>): Promise<Networkd> {
  const root = new PrivateRoot(world, await unpackManagers());
  await root.fill();
  for (const [name, text] of Object.entries(files)) await root.write(`run/systemd/network/${name}`, text);
  return new Networkd(world, root);
}

export class Networkd {
  readonly #world: World;
  readonly #root: PrivateRoot;
  #process: LongRunning | undefined;

  constructor(world: World, root: PrivateRoot) {
    this.#world = world;
    this.#root = root;
  }

  start(): void {
    const variables = ['SYSTEMD_LOG_LEVEL=info', 'SYSTEMD_LOG_TARGET=console'];
    this.#process = this.#root.spawn(variables, '/lib/systemd/systemd-networkd');
  }

  async stop(): Promise<void> {
    await this.#process?.stop('SIGTERM', 30_000);
  }

  /** Waits until networkd has made up its mind about a link: `unmanaged`, `configuring`, `configured`, …. */
  async verdict(link: string): Promise<string> {
    const ifindex = (await this.#world.host.mustExec('cat', [`/sys/class/net/${link}/ifindex`])).trim();
    const path = join(this.#root.run, 'systemd/netif/links', ifindex);
    const state = async () => /^ADMIN_STATE=(.*)$/m.exec(await readFile(path, 'utf8'))?.[1];
    return waitFor(
      async () => {
        if (this.#process?.running === false) throw new Error(this.#process.stderr.join('\n'));
        const now = await state();
        return now !== undefined && !['pending', 'initialized'].includes(now) && now;
      },
      { what: `networkd's verdict on ${link}`, deadlineMs: 30_000, everyMs: 50 },
    );
  }
}
