/** A crash at any step; `npm run sweep` takes all of them. */
import { crashSweep } from '../lab/crash-sweep.ts';
import { ends, middles, telling } from '../lab/sweep-moves.ts';

crashSweep({ daemon: telling, asked: middles, listened: ends, timeoutMs: 600_000 });
