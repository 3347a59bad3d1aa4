/** The crash sweeps as tests; which steps they take decides how long they last. */
import { describe, expect, it } from 'vitest';
import { type DoomedDaemon, DoomedDaemons } from './doomed.ts';
import { type SweptMove, sweepCycle, sweepFirstPass } from './sweep.ts';
import { damage, openAndClose, openAndDie, reload } from './sweep-moves.ts';
import { SweepScene } from './sweep-scene.ts';

type Choose = (steps: readonly string[]) => number[];

export interface CrashSweepOptions {
  /** Steps at which the daemon dies. */
  readonly daemon: Choose;
  readonly timeoutMs: number;
}

const cycles = { openAndClose, openAndDie, reload, damage };

export function crashSweep({ daemon, timeoutMs }: CrashSweepOptions): void {
  describe('the daemon, killed and started again, leaves what it would have made, and nobody else notices', () => {
    it.each(Object.entries(cycles))(
      '%s',
      async (name, cycle) => {
        await inScene(name, async (scene, daemons, first) => {
          const { moves } = await sweepCycle(scene, daemons, first, cycle, daemon);
          for (const { name: move } of cycle.filter(({ swept }) => swept)) expectKilled(moves.get(move), daemon);
        });
      },
      timeoutMs,
    );

    it(
      'the first pass on a fresh host',
      async () => {
        const scene = await SweepScene.open();
        try {
          await scene.startForging(['ipv4', 'ipv6']);
          await scene.startTalking('host');
          const reset = () => scene.makeFresh([scene.talker, scene.forger, scene.guest]);
          expectKilled(await sweepFirstPass(scene, reset, daemon), daemon);
          expect(await scene.escaped()).toBe(0);
        } finally {
          await scene.close();
        }
      },
      timeoutMs,
    );
  });
}

/** The run that was counted may have had a few looks, at its end, that no other has: a tenth of a whole sweep, two of a sample. */
function expectKilled(swept: SweptMove | undefined, choose: Choose): void {
  const chosen = choose(swept?.steps ?? []).length;
  expect(chosen).toBeGreaterThan(0);
  expect(swept?.killed).toBeGreaterThanOrEqual(Math.min(Math.floor(chosen * 0.9), Math.max(1, chosen - 2)));
}

/** A scene whose guest has no link, with a daemon at rest. Checks that no forgery came out. */
async function inScene(
  cycle: string,
  use: (scene: SweepScene, daemons: DoomedDaemons, first: DoomedDaemon) => Promise<void>,
): Promise<void> {
  const scene = await SweepScene.open();
  try {
    const daemons = new DoomedDaemons(scene.world);
    const first = await daemons.start();
    await first.ready();
    await scene.startTalking('talker');
    await scene.startForging(cycle === 'damage' ? ['ipv4'] : ['ipv4', 'ipv6']);
    await first.arm(0);
    await scene.guest.unlink();
    await first.dies();
    await use(scene, daemons, first);
    expect(await scene.escaped(), 'forged packets that came out').toBe(0);
  } finally {
    await scene.close();
  }
}
