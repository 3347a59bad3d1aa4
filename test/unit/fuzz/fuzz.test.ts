/** A hundred thousand inputs of one seed, and everything that any run has ever found. `npm run fuzz` takes more. */
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { runFuzz } from '../../fuzz/run.ts';
import { feed, fuzz } from '../../fuzz/session.ts';
import { BrokenPromise, type Target } from '../../fuzz/target.ts';
import { foundFor, targets } from '../../fuzz/targets.ts';

test('nothing that outside bytes can say crashes, hangs or fills the memory', { timeout: 300_000 }, async () => {
  const results = await runFuzz({ inputs: 100_000, seed: 75, threads: 2 });
  const findings = results.flatMap((result) => result.findings);
  expect(
    findings.map(({ target, what, detail, input }) => ({ target, what, detail, input: input.toString('base64') })),
  ).toEqual([]);
  expect(results.reduce((sum, { inputs }) => sum + inputs, 0)).toBeGreaterThanOrEqual(100_000);
  // Inputs that are all refused for the same reason would find nothing.
  for (const { target, kinds } of results) expect(kinds, target).toBeGreaterThan(5);
});

const found = Object.keys(targets).flatMap((name) => foundFor(name).map((each) => ({ target: name, ...each })));

test.each(found)('$target still withstands $name', async ({ target: name, input }) => {
  const target = await targets[name]?.make();
  if (target === undefined) throw new Error(`no target ${name}`);
  onTestFinished(() => target.close?.());
  expect((await feed(target, input)).finding).toBeUndefined();
});

describe('the fuzzer itself', () => {
  const target = (read: Target['feed']): Target => ({
    name: 'example',
    mutate: (random, input) => Buffer.concat([input.subarray(0, 20), Buffer.of(random.below(256))]),
    feed: read,
  });
  const run = (read: Target['feed'], inputs = 3000) =>
    fuzz(target(read), { inputs, seed: 1, corpus: [Buffer.from('x')] });

  it.each<[string, Target['feed'], RegExp]>([
    ['a foreign error', () => JSON.parse('{'), /Expected property name/],
    [
      'a broken promise',
      (input) => {
        if (input.at(-1) === 7) throw new BrokenPromise('seven');
        return { kind: '', size: 0 };
      },
      /seven/,
    ],
    ['too much output', () => ({ kind: '', size: 1e9 }), /too much output/],
  ])('finds %s', async (_name, read, what) => {
    const { findings } = await run(read);
    expect(findings[0]?.what).toMatch(what);
  });

  it('finds slowness', async () => {
    const { findings } = await run(() => busyFor(300), 1);
    expect(findings[0]?.what).toMatch(/slow/);
  }, 60_000);

  it('finds memory that is kept', async () => {
    const kept: Buffer[] = [];
    const { findings } = await run((input) => {
      kept.push(Buffer.alloc(16 * 1024, input));
      return { kind: '', size: 0 };
    });
    expect(findings.map(({ what }) => what)).toEqual([expect.stringMatching(/bytes more are held/)]);
  });

  it('makes the same inputs of the same seed', async () => {
    const series = async () => {
      const inputs: string[] = [];
      await run((input) => ({ kind: String(inputs.push(input.toString('hex')) % 7), size: 0 }));
      return inputs;
    };
    expect(await series()).toEqual(await series());
  });
});

function busyFor(milliseconds: number) {
  const end = process.threadCpuUsage().user + milliseconds * 1000;
  while (process.threadCpuUsage().user < end) Math.random();
  return { kind: '', size: 0 };
}
