/** Program: node end.fixture.ts HOW FIFO. Ends in one way or another while one of its threads hangs, opening a FIFO that nobody writes. */
import { open } from 'node:fs';
import { endWithoutJoining, limitEnd } from '../../../src/cli/end.ts';

const [, , how, fifo = ''] = process.argv;
open(fifo, 'r', () => undefined);
process.on('exit', () => console.log('last words'));
setTimeout(() => {
  console.log('ending');
  if (how === 'exit') process.exit(0);
  if (how === 'without joining') endWithoutJoining();
  limitEnd(() => console.log('late'));
  setInterval(() => undefined, 1000);
}, 100);
