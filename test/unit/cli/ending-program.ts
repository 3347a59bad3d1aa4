/** Program: says `ready` beside a child that runs, and what it has begun is taken away once it is told to end. */
import { execa } from 'execa';
import { endable, whenAborted } from '../../../src/cli/ending.ts';

await endable(async ({ signal }) => {
  const child = execa('sleep', ['60'], { reject: false });
  console.log('ready');
  await whenAborted(signal);
  child.kill();
  await child;
  console.log('taken away');
});
