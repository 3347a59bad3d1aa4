/** Everything that the daemon asks `nft` about the host, put once; the same for capturing and for reading back. */
import { NftHost } from '../../src/host/nft.ts';
import type { Tools } from '../../src/host/tools.ts';
import { observeRuleset } from '../../src/nft/observe.ts';

export type Answers = Awaited<ReturnType<typeof askAll>>;

export async function askAll(tools: Tools) {
  const nft = new NftHost(tools);
  // Elements are asked of the kernel.
  const rules = nft.rules.bind(nft);
  try {
    return {
      tables: await nft.tables(),
      forwardChains: await nft.forwardChains(),
      ruleset: await observeRuleset({ table: rules, rules }),
    };
  } finally {
    nft.close();
  }
}
