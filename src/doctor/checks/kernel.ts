/** What the kernel can do. */
import { ipv6Faults } from '../../faults/settings.ts';
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
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
      ? fault(findings.kernel.oldKernel, { version: kernelRelease, oldest })
      : ok(`kernel ${kernelRelease}`);
  return [age, ...judgeTrial(snapshot), ...judgeIpv6(snapshot)];
}

function judgeTrial({ trial }: Snapshot): Judgement[] {
  if (trial === undefined) return [];
  if (trial.refusal === undefined) return [ok('the kernel accepts our whole ruleset (dry run)')];
  return [fault(findings.kernel.refusedRuleset, { reason: trial.refusal })];
}

function judgeIpv6(snapshot: Snapshot): Judgement[] {
  const { config, sysctls } = snapshot;
  return config === undefined || sysctls.size === 0 ? [] : ipv6Faults(settingsFacts(snapshot, config));
}
