/** A crash at every step there is. */
import { crashSweep } from '../lab/crash-sweep.ts';
import { all } from '../lab/sweep-moves.ts';

crashSweep({ daemon: all, helper: all, helperCycles: ['openAndClose', 'damage'], timeoutMs: 3_600_000 });
