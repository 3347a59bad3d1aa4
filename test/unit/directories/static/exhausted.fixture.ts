/** Run in a user namespace of its own by exhausted.test.ts: follows argv[2] and prints each snapshot as a line of JSON. */
import { StaticDirectory } from '../../../../src/directories/static/directory.ts';

const directory = new StaticDirectory(process.argv[2] ?? '');
const print = () => console.log(JSON.stringify(directory.snapshot()));
await directory.start(print);
print();
process.stdin.on('end', () => void directory.stop()).resume();
