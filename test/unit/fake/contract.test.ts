import { fakeWorld } from '../../contract/fake-world.ts';
import { hostContract } from '../../contract/host-contract.ts';
import { FakeHost } from '../../fake/kernel.ts';

hostContract(async () => {
  const host = new FakeHost();
  return { host, world: fakeWorld(host), dispose: async () => undefined };
});
