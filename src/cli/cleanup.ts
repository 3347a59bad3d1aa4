/** `protect-network cleanup`: takes everything of ours from the host, and nothing else. Zones lose their network. */
import { createLiveHost } from '../host/index.ts';
import type { LiveHost } from '../host/live-host.ts';
import { describeHolder, findLockHolder } from '../host/network-lock.ts';
import type { Host, RtnetlinkChange, SysctlPath } from '../host/port.ts';
import { type FoundTrace, traceTable } from '../host/trace-table.ts';
import { Mirror } from '../lifecycle/mirror.ts';
import { applyPlan } from '../lifecycle/pass.ts';
import { describePlan, emptyPlan, type Plan } from '../lifecycle/pass-plan.ts';
import type { Address } from '../model/address.ts';
import { ExitCode, ProtectNetworkError } from '../model/errors.ts';
import { isZoneLink, type LinkName, parseLinkName } from '../model/link-name.ts';
import { sets } from '../nft/names.ts';
import { planCleanup } from '../nft/plan-cleanup.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import { blockDeletion } from '../routes/plan.ts';
import { withHost } from './once.ts';
import { print } from './terminal.ts';

/** Refuses while the daemon runs, which would put everything back at once. */
export async function cleanUp({ dryRun }: { dryRun: boolean }): Promise<ExitCode> {
  if (!dryRun) await requireStopped();
  return withHost(async (host) => {
    const mirror = new Mirror();
    await mirror.observeAll(host);
    const { commands, notes } = planCleanup(mirror.rules.current);
    const plan: Plan = {
      ...emptyPlan,
      withdraw: withdrawals(mirror),
      nft: commands,
      purgeAfter: addressesIn(mirror.rules.current),
      sysctls: closedLinks(mirror, host),
    };
    const live = createLiveHost();
    const traces = await live.foundTraces();
    const lines = describePlan(plan, (ifindex) => mirror.links.get(ifindex)?.name ?? `if${ifindex}`);
    // Ahead of what they are about: what is the operator's and goes along cannot be had back.
    for (const sentence of notes) await print(`note: ${sentence}\n`);
    if (lines.length === 0 && traces.every(({ owner }) => owner !== 'abandoned'))
      await print('nothing of ours is here\n');
    for (const { tool, text } of lines) await print(`${dryRun ? 'would: ' : ''}${tool} ${text}\n`);
    if (!dryRun) await carryOut(host, mirror, plan);
    await removeTraces(live, traces, dryRun);
    if (lines.length === 0) return ExitCode.ok;
    await print(
      'note: forwarding stays on, and zone links keep rp_filter, accept_ra and redirects as they are: other programs may rely on them\n',
    );
    return ExitCode.ok;
  });
}

async function carryOut(host: Host, mirror: Mirror, plan: Plan): Promise<void> {
  const { nft, links } = await applyPlan(host, mirror, plan);
  const [failed] = nft === undefined ? links.values() : [nft];
  if (failed !== undefined) throw failed;
}

/** What a killed `explain --live` or `drops -f` left. */
async function removeTraces(live: LiveHost, traces: readonly FoundTrace[], dryRun: boolean): Promise<void> {
  for (const { family, owner } of traces) {
    if (owner === 'abandoned') await print(`${dryRun ? 'would: ' : ''}nft delete table ${family} ${traceTable}\n`);
    else {
      const why =
        owner === 'others' ? 'it is not ours' : `an explain --live, drops -f or capture uses it (process ${owner})`;
      await print(`note: the table ${family} ${traceTable} stays: ${why}\n`);
    }
  }
  if (!dryRun) await live.removeTraces();
}

/** By the lock of the network namespace, which no settings file has to be read for. */
async function requireStopped(): Promise<void> {
  const holder = await findLockHolder();
  if (holder?.kind !== 'daemon') return;
  throw new ProtectNetworkError(
    'refused',
    `protect-network is running (${describeHolder(holder)}) and would restore everything; stop it first: systemctl stop protect-network`,
  );
}

function withdrawals(mirror: Mirror): RtnetlinkChange[] {
  const of = (kind: 'route-del' | 'proxy-del', held: ReadonlyMap<number, ReadonlySet<Address>>) =>
    [...held].flatMap(([ifindex, addresses]) =>
      [...addresses].map((address): RtnetlinkChange => ({ kind, ifindex, address })),
    );
  return [
    ...of('route-del', mirror.routes.byLink),
    ...of('proxy-del', mirror.proxies),
    ...[...mirror.shapers.all].flatMap(([ifindex, { kind }]): RtnetlinkChange[] =>
      kind === 'ours' && isZoneLink(mirror.links.get(ifindex)?.name) ? [{ kind: 'shaper-del', ifindex }] : [],
    ),
    ...[...mirror.routes.gateways].map((address): RtnetlinkChange => ({ kind: 'local-del', address })),
    ...[...mirror.routes.blocks].flatMap((text) => blockDeletion(text) ?? []),
  ];
}

/** Zone links stop answering for others. */
function closedLinks(mirror: Mirror, host: Host) {
  return [...mirror.links.values()].flatMap(({ ifindex, name }) => {
    const link = parseLinkName(name);
    return link === undefined
      ? []
      : answeringSysctls(link).flatMap((path) => {
          const was = host.sysctl.read(path);
          return was === undefined || was === '0' ? [] : [{ path, ifindex, value: '0', was }];
        });
  });
}

function answeringSysctls(link: LinkName): SysctlPath[] {
  return [
    { family: 'ipv4', group: 'conf', link, key: 'proxy_arp' },
    { family: 'ipv6', group: 'conf', link, key: 'proxy_ndp' },
  ];
}

function addressesIn(ruleset: Ruleset): Address[] {
  const own = ruleset.get('inet edera');
  return [sets.ipv4.zone, sets.ipv6.zone].flatMap((name) => [...(own?.sets.get(name)?.elements ?? [])] as Address[]);
}
