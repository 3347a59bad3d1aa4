/** Logs what it is told on standard input, a JSON line for each order, and says `done` on standard error. */
import { createInterface } from 'node:readline';
import { makeLog } from '../../src/cli/log.ts';
import { findJournal } from '../../src/host/journal-socket.ts';
import type { Order } from './journal.ts';

const log = makeLog({ logFormat: 'text', debug: false }, findJournal(process.env, process.argv[2]));
createInterface({ input: process.stdin }).on('line', (line) => {
  const { level, fields, message, times = 1 } = JSON.parse(line) as Order;
  for (let turn = 1; turn <= times; turn++) log[level](fields, times === 1 ? message : `${message} ${turn}`);
  process.stderr.write('done\n');
});
