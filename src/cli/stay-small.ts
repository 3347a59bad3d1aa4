/** Keeps the daemon's memory small: it lives for months and works for milliseconds. */
import { setFlagsFromString } from 'node:v8';

/**
 * To be called once what a start needs is loaded: V8's caches, ours and the one inside Node, are taken only under the
 * flags that they were made with, which is none. V8 asks for these anew at each collection and compilation.
 */
export function staySmall(): void {
  // Collects before the heap has grown to a multiple of what is alive.
  setFlagsFromString('--optimize-for-size');
  // Passes are too short for the optimising compilers to make them faster, and their own code is 6 MB.
  setFlagsFromString('--no-maglev');
  setFlagsFromString('--no-turbofan');
}
