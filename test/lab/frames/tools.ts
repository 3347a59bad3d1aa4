/** Senders and receivers of frames, by two small C programs that are compiled where they are needed. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../command.ts';
import type { Namespace } from '../namespace.ts';
import type { World } from '../world.ts';

/** What a frame carries so that it is known wherever it turns up: a name, and the number of the round that the sender writes. */
export function tag(name: number): Buffer {
  const bytes = Buffer.from('PNtg________');
  bytes.writeUInt32BE(name, 4);
  // As in the first round, so that a checksum made now is right then.
  bytes.writeUInt32BE(1, 8);
  return bytes;
}

export interface Sighting {
  /** Of the machine's monotonic clock, as `process.hrtime` has it. */
  readonly microseconds: number;
  /** Of the tag. */
  readonly name: number;
  readonly round: number;
}

export interface FrameTools {
  /** Sends every frame once in each round; resolves when all are sent. */
  send(from: Namespace, frames: readonly Buffer[], options?: SendOptions): Promise<void>;
  /** Sends all frames again and again; `stop` resolves with how many the link took. */
  keepSending(from: Namespace, frames: readonly Buffer[], options?: SendOptions): Promise<Stream>;
  /** Watches on return: what arrives by `link`, or what the place's own IP stack delivers where none is told. */
  watch(where: Namespace, link?: string): Promise<Watch>;
}

export interface SendOptions {
  /** Default `eth0`, a zone's. */
  readonly link?: string;
  /** Default 1. */
  readonly rounds?: number;
  /** After each round, default 0. */
  readonly pauseMicroseconds?: number;
}

export interface Stream {
  stop(): Promise<number>;
}

export interface Watch {
  /** Everything so far; grows. */
  readonly sightings: readonly Sighting[];
  stop(): Promise<void>;
}

/** Needs gcc. The programs lie in the world's own directory and go with it. */
export async function frameTools(world: World): Promise<FrameTools> {
  const [sender, watcher] = await Promise.all([compile(world, 'frame-send'), compile(world, 'frame-watch')]);
  let files = 0;
  const argumentsOf = async (frames: readonly Buffer[], rounds: number, options: SendOptions): Promise<string[]> => {
    files += 1;
    const file = join(world.files.directory, `frames-${files}`);
    await writeFile(file, frames.map((frame) => `${frame.toString('hex')}\n`).join(''));
    return [options.link ?? 'eth0', String(rounds), String(options.pauseMicroseconds ?? 0), file];
  };
  return {
    send: async (from, frames, options = {}) => {
      const sent = await from.mustExec(sender, await argumentsOf(frames, options.rounds ?? 1, options));
      const expected = frames.length * (options.rounds ?? 1);
      if (Number(sent) !== expected) throw new Error(`${from.name} sent ${sent.trim()} of ${expected} frames`);
    },
    keepSending: async (from, frames, options = {}) => {
      const stream = from.spawn(sender, await argumentsOf(frames, 0, options));
      return {
        stop: async () => {
          await stream.stop();
          return Number(stream.stdout.at(-1) ?? Number.NaN);
        },
      };
    },
    watch: async (where, link) => {
      const sightings: Sighting[] = [];
      const watch = where.spawn(watcher, link === undefined ? ['local'] : ['link', link], (line) => {
        if (line !== 'watching') sightings.push(sightingOf(line));
      });
      await watch.waitForLine((line) => line === 'watching');
      return {
        sightings,
        stop: async () => {
          await watch.stop('SIGKILL');
        },
      };
    },
  };
}

async function compile(world: World, name: string): Promise<string> {
  const program = join(world.files.directory, name);
  await mustRun('gcc', ['-O1', '-o', program, join(import.meta.dirname, `${name}.c`)]);
  return program;
}

function sightingOf(line: string): Sighting {
  const [microseconds = Number.NaN, name = Number.NaN, round = Number.NaN] = line.split(' ').map(Number);
  return { microseconds, name, round };
}
