/** A crash at a step of each kind; `npm run sweep` takes every step there is. */
import { crashSweep } from '../lab/crash-sweep.ts';
import { kinds } from '../lab/sweep-moves.ts';

crashSweep({ daemon: kinds, timeoutMs: 600_000 });
