/**
 * Runs one case of the contract on the kernel of the namespace that this process was started in:
 * `ip netns exec NAMESPACE node real-runner.ts PEERS CASE`. Exits with 1 and says why on stderr where it does not hold.
 */
import { createHost } from '../../src/host/index.ts';
import { contractCases } from './cases.ts';
import { realWorld } from './real-world.ts';

const [peers = '', name = ''] = process.argv.slice(2);
const found = contractCases.find((candidate) => candidate.name === name);
if (found === undefined) throw new Error(`no case "${name}"`);
const world = await realWorld(peers);
const host = createHost();
try {
  await found.run(host, world);
} finally {
  await host.close();
}
