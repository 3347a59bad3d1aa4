/** Real iptables on a host, as other tools use it, and what it saves of everybody but us. */
import type { Namespace } from './namespace.ts';

export const flavours = { ipv4: 'iptables-nft', ipv6: 'ip6tables-nft' } as const;

/** One process of iptables for each line, in order, as tools that call it rule by rule do. The first failure throws at the end. */
export async function iptables(host: Namespace, family: 'ipv4' | 'ipv6', lines: readonly string[]): Promise<void> {
  await host.mustExec('xargs', ['-L1', flavours[family], '--wait'], { input: `${lines.join('\n')}\n` });
}

/** Every table of both families as iptables-save writes it, without comments, counter values, and what is ours. */
export async function savedByOthers(host: Namespace): Promise<string> {
  const texts = await Promise.all(Object.values(flavours).map((flavour) => host.mustExec(`${flavour}-save`)));
  const lines = texts
    .join('')
    .split('\n')
    .map((line) => line.replace(/ ?\[\d+:\d+\]/, ''));
  return lines.filter((line) => !line.startsWith('#') && !line.includes('EDERA-')).join('\n');
}

/** How often our jump stands in `FORWARD`, and each rule of ours in its chain, by iptables' reading: all 1 where nothing is double. */
export async function copiesOfOurs(host: Namespace, family: 'ipv4' | 'ipv6'): Promise<Record<string, number>> {
  const text = await host.mustExec(flavours[family], ['-S']);
  const ours = text.split('\n').filter((line) => line.startsWith('-A') && line.includes('EDERA-FORWARD'));
  return Object.fromEntries(ours.map((line) => [line, ours.filter((other) => other === line).length]));
}
