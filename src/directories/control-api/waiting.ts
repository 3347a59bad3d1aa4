/** How this folder waits, and for how long. Waiting ends early, without an error, once `signal` aborts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { delayAfter } from '../../model/backoff.ts';

export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds <= 0) return;
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Milliseconds before try number `attempt` (from 0): doubling from 0.25 s with up to as much again at random, 15 s at most. */
export function backoff(attempt: number, random: number = Math.random()): number {
  return delayAfter(attempt + 1, { first: 250 * (1 + random), most: 15_000 });
}

/** Least milliseconds from list to list, after one that took `took`: a burst of events leaves the rest of us three quarters of the time. */
export function listSpacing(took: number): number {
  return Math.min(1_000, Math.max(20, 4 * took));
}

/** A mark that something has changed: however often it is set, one waiter wakes once. */
export class Mark {
  #set = false;
  #wake: (() => void) | undefined;

  set(): void {
    this.#set = true;
    this.#wake?.();
  }

  clear(): void {
    this.#set = false;
  }

  /** Resolves once the mark is set, at once if it is, and after `milliseconds` at the latest. One waiter at a time. */
  async wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (this.#set || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#wake = wake;
    signal.addEventListener('abort', wake);
    const timer = setTimeout(wake, milliseconds);
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', wake);
    this.#wake = undefined;
  }
}
