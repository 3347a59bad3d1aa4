/** A journal with entries of our choice, as systemd-journald would have written it, and our program reading it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandResult, type LongRunning, mustRun } from '../lab/command.ts';
import { programPath } from '../lab/daemon.ts';
import type { World } from '../lab/world.ts';
import { type Unpacked, unpackManagers } from './packages.ts';
import { PrivateRoot } from './private-root.ts';

export interface Logged {
  readonly unit: string;
  readonly message: string;
  readonly priority?: number;
  /** What the entry itself says it is about. */
  readonly zone?: string;
  /** Unix milliseconds. */
  readonly at: number;
}

export async function makeJournal(world: World): Promise<TestJournal> {
  const unpacked = await unpackManagers();
  const root = new PrivateRoot(world, unpacked);
  await root.fill();
  return new TestJournal(world, root, unpacked);
}

export class TestJournal {
  readonly #world: World;
  readonly #root: PrivateRoot;
  readonly #unpacked: Unpacked;

  constructor(world: World, root: PrivateRoot, unpacked: Unpacked) {
    this.#world = world;
    this.#root = root;
    this.#unpacked = unpacked;
  }

  /** Adds entries behind those that are there. */
  async append(...entries: readonly Logged[]): Promise<void> {
    const machine = (await readFile(join(this.#root.etc, 'machine-id'), 'utf8')).trim();
    const directory = join(this.#root.run, 'log/journal', machine);
    await mkdir(directory, { recursive: true });
    const source = join(this.#world.files.directory, 'entries');
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim().replaceAll('-', '');
    await writeFile(source, Buffer.concat(entries.map((entry) => exported(entry, boot))));
    const tool = this.#unpacked.program('/lib/systemd/systemd-journal-remote');
    await mustRun('env', [
      ...this.#unpacked.environment,
      tool,
      `--output=${join(directory, 'system.journal')}`,
      source,
    ]);
  }

  /** `logs` where /run/log/journal is this journal. */
  follow(args: readonly string[]): LongRunning {
    return this.#spawn(['logs', ...args]);
  }

  read(args: readonly string[]): Promise<CommandResult> {
    return this.run(['logs', ...args]);
  }

  /** Any command of ours there. */
  async run(words: readonly string[]): Promise<CommandResult> {
    const running = this.#spawn(words);
    const exitCode = await running.ended;
    return { exitCode: Number(exitCode), stdout: running.stdout.join('\n'), stderr: running.stderr.join('\n') };
  }

  #spawn(words: readonly string[]): LongRunning {
    return this.#root.spawn([], '/usr/bin/env', ['-i', programPath, ...words, ...this.#world.files.options]);
  }
}

/**
 * The export format (systemd.io/JOURNAL_EXPORT_FORMATS); a message is written with its length, so that it may hold anything.
 * `journalctl --follow` shows this boot's entries only.
 */
function exported({ unit, message, priority = 6, zone, at }: Logged, boot: string): Buffer {
  const text = Buffer.from(message);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  const head = `__REALTIME_TIMESTAMP=${at * 1000}\n_BOOT_ID=${boot}\n_SYSTEMD_UNIT=${unit}.service\nPRIORITY=${priority}\n${zone === undefined ? '' : `PROTECT_NETWORK_ZONE=${zone}\n`}MESSAGE\n`;
  return Buffer.concat([Buffer.from(head), size, text, Buffer.from('\n\n')]);
}
