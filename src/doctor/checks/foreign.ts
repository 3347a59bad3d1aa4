/** Firewalls beside ours that zones' packets have to pass as well. */
import { bad, type Judgement, ok, warning } from '../finding.ts';
import type { LegacyTables, Snapshot } from '../snapshot.ts';

/** By the names of their processes, of which the kernel keeps 15 bytes. */
const managers: Readonly<Record<string, string>> = { firewalld: 'firewalld', dockerd: 'Docker' };

export function checkForeignFirewalls({ foreign, processes }: Snapshot): Judgement[] {
  if (foreign === undefined) return [];
  const judged = foreign.map(({ isCertain, what, why, cure }) =>
    (isCertain ? bad : warning)(what, `a packet has to pass every chain on the forward hook: ${why}`, cure),
  );
  const running = Object.entries(managers).flatMap(([process, name]) => (processes.has(process) ? [name] : []));
  const here = running.length === 0 ? '' : ` (${running.join(', ')} runs here)`;
  return judged.length > 0 ? judged : [ok(`no other table ends zones' packets${here}`)];
}

/** The tables of iptables-legacy: packets pass them besides nftables', and nft does not show them. */
export function checkLegacyTables({ legacy }: Snapshot): Judgement[] {
  return legacy.flatMap((tables) => judgeLegacy(tables));
}

function judgeLegacy({ family, tables, saved }: LegacyTables): Judgement[] {
  if (!tables.includes('filter')) return [];
  const tool = family === 'ipv4' ? 'iptables-legacy' : 'ip6tables-legacy';
  const cure = `${tool} -I FORWARD -i vif+ -j ACCEPT && ${tool} -I FORWARD -o vif+ -j ACCEPT`;
  if (saved === undefined) {
    const why = `a drop in its FORWARD would end zones' packets whatever our rules say`;
    return [
      warning(
        `${tool} has a filter table, and cannot be read here: ${tool}-save is not installed`,
        why,
        'apt install iptables',
      ),
    ];
  }
  const fate = fateOf(saved);
  if (fate === 'passes') return [ok(`the filter table of ${tool} lets zones' packets pass`)];
  const why = 'packets pass this table besides ours, and no rule of ours can change what it ends';
  if (fate === 'ends') return [bad(`the filter table of ${tool} ends zones' packets in FORWARD`, why, cure)];
  return [
    warning(`the filter table of ${tool} may end zones' packets in FORWARD`, why, `${cure} (if zones have no network)`),
  ];
}

/** Of a zone's packets, either way; conditions that are not about all zone links may hold or not. */
function fateOf(saved: string): 'passes' | 'ends' | 'may end' {
  const accepted = new Set<string>();
  let isDoubtful = false;
  for (const { conditions, target } of forwardRules(saved)) {
    const isEnd = target === 'DROP' || target === 'REJECT';
    if (conditions === '' && target === 'ACCEPT') return 'passes';
    if (conditions === '' && isEnd) return verdict(accepted, isDoubtful);
    if (target === 'ACCEPT' && acceptsOfZones.includes(conditions)) accepted.add(conditions);
    else if (!isEnd && !isAboutOthers(conditions)) isDoubtful = true;
  }
  return /^:FORWARD DROP/m.test(saved) ? verdict(accepted, isDoubtful) : 'passes';
}

const acceptsOfZones: readonly string[] = ['-i vif+', '-o vif+'];

function verdict(accepted: ReadonlySet<string>, isDoubtful: boolean): 'passes' | 'ends' | 'may end' {
  if (accepted.size === acceptsOfZones.length) return 'passes';
  return isDoubtful ? 'may end' : 'ends';
}

function forwardRules(saved: string): { conditions: string; target: string }[] {
  return filterTable(saved).flatMap((line) => {
    const rule = /^(?:\[\d+:\d+\] )?-A FORWARD (.*)$/.exec(line)?.[1];
    const target = /(?:^| )-j (\S+)/.exec(rule ?? '')?.[1];
    if (rule === undefined || target === undefined) return [];
    return [{ target, conditions: rule.replace(/(?:^| )-j .*$/, '').trim() }];
  });
}

function filterTable(saved: string): string[] {
  const lines = saved.split('\n');
  const start = lines.indexOf('*filter');
  return start < 0 ? [] : lines.slice(start, lines.indexOf('COMMIT', start));
}

/** An interface that is no zone's, as `-i docker0`. */
function isAboutOthers(conditions: string): boolean {
  return /(^| )-i (?!vif)\S/.test(conditions) && /(^| )-o (?!vif)\S/.test(conditions);
}
