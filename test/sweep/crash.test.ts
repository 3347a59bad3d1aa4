/** A crash at every step there is. */
import { crashSweep } from '../lab/crash-sweep.ts';
import { all } from '../lab/sweep-moves.ts';

crashSweep({ daemon: all, timeoutMs: 3_600_000 });
