/** The crash sweeps as tests; which steps they take decides how long they last. */
import { describe, expect, it } from 'vitest';
import { type DoomedDaemon, DoomedDaemons } from './doomed.ts';
import { type Move, type SweptMove, sweepCycle, sweepFirstPass } from './sweep.ts';
import { damage, openAndClose, openAndDie, reload } from './sweep-moves.ts';
import { SweepScene } from './sweep-scene.ts';

type Choose = (steps: readonly string[]) => number[];

export interface CrashSweepOptions {
  readonly daemon: Choose;
  /** For helpers that are asked: the conversations with nft and ip, conntrack. */
  readonly asked: Choose;
  /** For both monitors. */
  readonly listened: Choose;
  readonly timeoutMs: number;
}

const cycles = { openAndClose, openAndDie, reload, damage };

export function crashSweep({ daemon, asked, listened, timeoutMs }: CrashSweepOptions): void {
  describe('the daemon, killed at a step and started again, leaves what it would have made; others notice nothing', () => {
    it.each(Object.entries(cycles))(
      '%s',
      async (name, cycle) => {
        const moves = await inScene(name, (scene, daemons, first) =>
          sweepCycle(scene, daemons, first, cycle, { choose: daemon, victim: 'self' }),
        );
        for (const [move, { steps, killed }] of moves) {
          const chosen = cycle.some((each) => each.name === move && each.swept) ? daemon(steps).length : 0;
          // A run may need a few looks less than the first one.
          expect(killed, `deaths in: ${move}`).toBeGreaterThanOrEqual(Math.floor(chosen * 0.9));
        }
      },
      timeoutMs,
    );

    it(
      'the first pass on a fresh host',
      async () => {
        const scene = await SweepScene.open();
        try {
          const zones = [scene.talker, scene.forger, scene.guest];
          await scene.startForging(['ipv4', 'ipv6']);
          await scene.startTalking('host');
          const swept = await sweepFirstPass(scene, () => scene.makeFresh(zones), daemon);
          expect(swept.killed).toBeGreaterThanOrEqual(Math.floor(daemon(swept.steps).length * 0.9));
          expect(await scene.escaped()).toBe(0);
        } finally {
          await scene.close();
        }
      },
      timeoutMs,
    );
  });

  describe('a helper, killed at a step: the daemon goes on and puts everything in place', () => {
    const helpers = [
      ['nft --json --interactive', asked],
      ['ip -json -force -batch', asked],
      ['conntrack', asked],
      ['ip -oneline monitor', listened],
      ['nft --handle monitor', listened],
    ] as const;
    it.each(helpers)(
      '%s',
      async (victim, choose) => {
        for (const name of ['openAndClose', 'damage'] as const) {
          const cycle: readonly Move[] = cycles[name];
          const moves = await inScene(name, (scene, daemons, first) =>
            sweepCycle(scene, daemons, first, cycle, { choose, victim }),
          );
          const killed = [...moves.values()].reduce((sum, move) => sum + move.killed, 0);
          expect(killed, 'helpers killed').toBeGreaterThan(0);
        }
      },
      timeoutMs,
    );
  });
}

/** A scene whose guest has no link, with a daemon at rest. Checks that no forgery came out. */
async function inScene(
  cycle: string,
  use: (
    scene: SweepScene,
    daemons: DoomedDaemons,
    first: DoomedDaemon,
  ) => Promise<{ readonly moves: ReadonlyMap<string, SweptMove> }>,
): Promise<ReadonlyMap<string, SweptMove>> {
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
    const { moves } = await use(scene, daemons, first);
    expect(await scene.escaped(), 'forged packets that came out').toBe(0);
    return moves;
  } finally {
    await scene.close();
  }
}
