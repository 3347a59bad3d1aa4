/** Everything that the daemon asks `ip` and `nft` about the host, put once; the same for capturing and for reading back. */
import { NftTool } from '../../src/host/nft.ts';
import { IpRtnetlink } from '../../src/host/rtnetlink.ts';
import type { Tools } from '../../src/host/tools.ts';
import { readCounters } from '../../src/nft/counters.ts';
import { observeRuleset } from '../../src/nft/observe.ts';

/** The link whose routes and proxies are also asked for alone. */
export const askedLink = 'vif7.0';

export type Answers = Awaited<ReturnType<typeof askAll>>;

export async function askAll(tools: Tools) {
  const [ip, nft] = [new IpRtnetlink(tools), new NftTool(tools)];
  const links = await ip.links();
  const one = links.find(({ name }) => name === askedLink);
  if (one === undefined) throw new Error(`no ${askedLink} among ${links.map(({ name }) => name).join(', ')}`);
  return {
    links,
    routes: { ipv4: await ip.routes('ipv4'), ipv6: await ip.routes('ipv6') },
    routesOfOne: { ipv4: await ip.routes('ipv4', one), ipv6: await ip.routes('ipv6', one) },
    defaultRoutes: await ip.defaultRoutes(),
    proxies: await ip.proxies(),
    proxiesOfOne: await ip.proxies(one),
    tables: await nft.tables(),
    forwardChains: await nft.forwardChains(),
    ruleset: await observeRuleset(nft),
    counters: await readCounters(nft),
  };
}
