/** A bridge of somebody's on dom0. */
import type { Namespace } from './namespace.ts';

export const bridgeName = 'xenbr0';

/**
 * Makes it, up. Frames that it passes on are not shown to the rules of IP families, which is so wherever nobody has loaded
 * br_netfilter; a kernel that has it built in begins otherwise.
 */
export async function addBridge(host: Namespace): Promise<void> {
  const calls = ['iptables', 'ip6tables', 'arptables'].map((tables) => `net/bridge/bridge-nf-call-${tables}=0`);
  await host.mustExec('sysctl', ['-q', '-e', '-w', ...calls]);
  await host.ip(
    `link add ${bridgeName} type bridge`,
    `link set ${bridgeName} addrgenmode none`,
    `link set ${bridgeName} up`,
  );
}

export function takeIntoBridge(host: Namespace, ...links: readonly string[]): Promise<void> {
  return host.ip(...links.map((link) => `link set ${link} master ${bridgeName}`));
}

export function freeFromBridge(host: Namespace, ...links: readonly string[]): Promise<void> {
  return host.ip(...links.map((link) => `link set ${link} nomaster`));
}
