/** What the kernel can do. */
import { ipv6Faults } from '../../faults/settings.ts';
import { bad, type Judgement, ok } from '../finding.ts';
import type { Snapshot } from '../host-snapshot.ts';
import { settingsFacts } from '../settings-facts.ts';
import { isOlder, versionIn } from './tools.ts';

/** README.md, "Installation on a dom0". */
const oldest = '5.7';

export function checkKernel(snapshot: Snapshot): Judgement[] {
  const { kernelRelease } = snapshot;
  const version = versionIn(kernelRelease);
  const age =
    version !== undefined && isOlder(version, oldest)
      ? bad(`this kernel is ${kernelRelease}`, `zones' links need Linux ${oldest} or later`, 'boot a newer kernel')
      : ok(`kernel ${kernelRelease}`);
  return [age, ...judgeTrial(snapshot), ...judgeIpv6(snapshot)];
}

function judgeTrial({ trial }: Snapshot): Judgement[] {
  if (trial === undefined) return [];
  if (trial.refusal === undefined) return [ok('the kernel accepts our whole ruleset (dry run)')];
  return [
    bad(
      `the kernel refuses our ruleset: ${trial.refusal}`,
      'without it no zone gets a network; usually a module is missing (nf_tables, nft_fib_inet, nft_masq, nft_ct, nft_limit), ' +
        'or another program has a chain with our name',
      'modprobe -a nf_tables nft_fib_inet nft_masq nft_ct nft_limit',
    ),
  ];
}

function judgeIpv6(snapshot: Snapshot): Judgement[] {
  const { config, sysctls } = snapshot;
  return config === undefined || sysctls.size === 0 ? [] : ipv6Faults(settingsFacts(snapshot, config));
}
