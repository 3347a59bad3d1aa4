/** Crash sweeps: the same moves again and again, with a death at another step of the daemon each time. */
import { type DoomedDaemon, DoomedDaemons } from './doomed.ts';
import type { SweepScene } from './sweep-scene.ts';
import { waitFor } from './wait-for.ts';

/** Brings the host from one state to the next. */
export interface Move {
  readonly name: string;
  /** False: nobody is killed in it, it only leads on. */
  readonly swept: boolean;
  act(scene: SweepScene): Promise<void>;
}

/** Which of a move's steps, as a run without a crash had them. */
type Choose = (steps: readonly string[]) => number[];

export interface SweptMove {
  /** Of the run without a crash. */
  readonly steps: readonly string[];
  /** The state it leaves. */
  readonly wanted: string;
  /** How often the daemon was killed. */
  killed: number;
}

export interface Sweep {
  readonly moves: ReadonlyMap<string, SweptMove>;
  readonly daemon: DoomedDaemon;
}

interface Attempt {
  readonly step: number;
  readonly attempt: number;
}

/** Events that come together make a run of fewer steps than the one that was counted; the next run may have them all. */
const maxAttempts = 3;

/** A start takes a second on a busy machine. */
const recovery = { deadlineMs: 60_000, everyMs: 10 };

/** Runs the cycle once without a crash, then once for each step that is chosen. It must end where it began. */
export async function sweepCycle(
  scene: SweepScene,
  daemons: DoomedDaemons,
  first: DoomedDaemon,
  cycle: readonly Move[],
  choose: Choose,
): Promise<Sweep> {
  let daemon = first;
  const { moves, left } = await survey(scene, first, cycle, choose);
  while ([...left.values()].some((attempts) => attempts.length > 0)) {
    for (const move of cycle) {
      const attempts = left.get(move.name);
      const { step, attempt } = attempts?.shift() ?? { step: 0, attempt: 1 };
      const swept = sweptOf(moves, move);
      const killedBefore = swept.killed;
      await daemon.arm(step);
      await move.act(scene);
      if (step > 0) daemon = await afterDeath(scene, daemon, daemons, swept);
      await untilState(scene, swept.wanted, `${move.name}, killed at step ${step} (${swept.steps[step - 1]})`);
      if (step === 0) continue;
      await scene.expectUnharmed();
      if (swept.killed === killedBefore && attempt < maxAttempts) attempts?.push({ step, attempt: attempt + 1 });
    }
  }
  return { moves, daemon };
}

/** Each move without a crash, and at which of its steps somebody is to die. */
async function survey(
  scene: SweepScene,
  daemon: DoomedDaemon,
  cycle: readonly Move[],
  choose: Choose,
): Promise<{ moves: Map<string, SweptMove>; left: Map<string, Attempt[]> }> {
  const moves = new Map<string, SweptMove>();
  const left = new Map<string, Attempt[]>();
  for (const move of cycle) {
    const swept = await withoutCrash(scene, daemon, move);
    moves.set(move.name, swept);
    const steps = move.swept ? choose(swept.steps) : [];
    left.set(
      move.name,
      steps.map((step) => ({ step, attempt: 1 })),
    );
  }
  return { moves, left };
}

function sweptOf(moves: ReadonlyMap<string, SweptMove>, { name }: Move): SweptMove {
  const swept = moves.get(name);
  if (swept === undefined) throw new Error(`${name} is no move of the cycle`);
  return swept;
}

/** Waits for it, counts it, and returns the daemon that goes on. */
async function afterDeath(
  scene: SweepScene,
  daemon: DoomedDaemon,
  daemons: DoomedDaemons,
  swept: SweptMove,
): Promise<DoomedDaemon> {
  if (!(await daemon.dies(async () => (await scene.state()) === swept.wanted))) return daemon;
  swept.killed += 1;
  const next = await daemons.start();
  await next.ready();
  return next;
}

async function withoutCrash(scene: SweepScene, daemon: DoomedDaemon, move: Move): Promise<SweptMove> {
  await daemon.arm(0);
  await move.act(scene);
  if (await daemon.dies()) throw new Error(`it died by itself:\n${daemon.output}`);
  const { names } = await daemon.counted();
  return { steps: names, wanted: await scene.settledState(), killed: 0 };
}

/** Kills a first start on a fresh host at each step chosen; `reset` makes the host fresh. */
export async function sweepFirstPass(
  scene: SweepScene,
  reset: () => Promise<void>,
  choose: Choose,
): Promise<SweptMove> {
  await reset();
  const daemons = new DoomedDaemons(scene.world);
  const never = await daemons.start();
  await never.ready();
  await never.dies();
  const { names: steps } = await never.counted();
  const wanted = await scene.settledState();
  const swept = { steps, wanted, killed: 0 };
  let last = never;
  const left: Attempt[] = choose(steps).map((step) => ({ step, attempt: 1 }));
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    const { step, attempt } = next;
    await last.kill();
    await reset();
    const doomed = await daemons.start(step);
    const isDead = await doomed.dies(async () => (await scene.state()) === wanted);
    if (isDead) swept.killed += 1;
    else if (attempt < maxAttempts) left.push({ step, attempt: attempt + 1 });
    await doomed.kill();
    last = await daemons.start();
    await last.ready();
    await untilState(scene, wanted, `first pass, killed at step ${step} (${steps[step - 1]})`);
    await scene.expectUnharmed();
  }
  await last.kill();
  return swept;
}

async function untilState(scene: SweepScene, wanted: string, where: string): Promise<void> {
  let now = '';
  try {
    await waitFor(
      async () => {
        now = await scene.state();
        return now === wanted;
      },
      { what: `the state after ${where}`, ...recovery },
    );
  } catch (error) {
    throw new Error(`${where}: not as without a crash:\n${difference(wanted, now)}`, { cause: error });
  }
}

/** Lines of one and not of the other; where there are none, the first place at which another line stands. */
function difference(wanted: string, now: string): string {
  const [a, b] = [wanted.split('\n'), now.split('\n')];
  const missing = a.filter((line) => !b.includes(line)).map((line) => `- ${line}`);
  const surplus = b.filter((line) => !a.includes(line)).map((line) => `+ ${line}`);
  const lines = [...missing, ...surplus];
  if (lines.length > 0) return lines.join('\n');
  const place = b.findIndex((line, index) => line !== a[index]);
  return `the same lines, ${a.length} and now ${b.length}, in another order from line ${place + 1}:\n- ${a[place]}\n+ ${b[place]}`;
}
