/** Reads the parts of a report side by side, each with its own time limit. One that fails is told of, and costs no other. */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, ProtectNetworkError } from '../model/errors.ts';

export interface Part {
  /** Its file in the archive. */
  readonly file: string;
  /** What it is: the command, or words. */
  readonly what: string;
  /** Milliseconds. */
  readonly limit: number;
  read(): string | Promise<string>;
}

export interface Gathered extends Pick<Part, 'file' | 'what'> {
  readonly milliseconds: number;
  /** Undefined where it could not be read: `problem` says why. */
  readonly text: string | undefined;
  readonly problem: string | undefined;
}

/** In the order of `parts`; `atOnce` of them at a time. */
export async function gather(parts: readonly Part[], atOnce: number): Promise<Gathered[]> {
  const results: Gathered[] = [];
  const waiting = parts.entries();
  const work = async () => {
    for (const [place, part] of waiting) results[place] = await gatherOne(part);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

async function gatherOne({ file, what, limit, read }: Part): Promise<Gathered> {
  const began = performance.now();
  const ended = new AbortController();
  try {
    const text = await Promise.race([read(), over(limit, ended.signal)]);
    return { file, what, milliseconds: performance.now() - began, text, problem: undefined };
  } catch (error) {
    return { file, what, milliseconds: performance.now() - began, text: undefined, problem: messageOf(error) };
  } finally {
    ended.abort();
  }
}

/** Rejects after `limit` milliseconds; never settles once `signal` is aborted. */
function over(limit: number, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    delay(limit, undefined, { signal }).then(
      () => reject(new ProtectNetworkError('timeout', `not read within ${limit / 1000} s`)),
      () => undefined,
    );
  });
}
