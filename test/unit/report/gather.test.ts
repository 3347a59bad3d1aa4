/** Parts side by side: what hangs or fails costs no other. */
import { expect, it } from 'vitest';
import { gather } from '../../../src/report/gather.ts';

const part = (file: string, read: () => string | Promise<string>, limit = 60_000) => ({
  file,
  what: file,
  limit,
  read,
});

it('a part that hangs, and one that fails, are told of in their places', async () => {
  const hanging = part('hangs', () => new Promise<string>(() => undefined), 20);
  const failing = part('fails', () => {
    throw new Error('no such tool');
  });
  const results = await gather([hanging, failing, part('good', () => 'text')], 1);
  expect(results.map(({ file, text, problem }) => ({ file, text, problem }))).toEqual([
    { file: 'hangs', text: undefined, problem: 'not read within 0.02 s' },
    { file: 'fails', text: undefined, problem: 'no such tool' },
    { file: 'good', text: 'text', problem: undefined },
  ]);
});

it('as many at once as are allowed, and no more', async () => {
  const first = Promise.withResolvers<string>();
  let begun = 0;
  const waiting = part('waits', () => {
    begun += 1;
    return first.promise;
  });
  const all = gather([waiting, waiting, waiting], 2);
  await Promise.resolve();
  expect(begun).toBe(2);
  first.resolve('');
  expect(await all).toHaveLength(3);
  expect(begun).toBe(3);
});
