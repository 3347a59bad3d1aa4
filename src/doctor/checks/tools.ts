/** Who runs this, and with what. Versions are those that the tests ran with (README.md, "Installation on a dom0"). */
import type { SurveyedTool } from '../../host/survey-port.ts';
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
import type { Snapshot } from '../host-snapshot.ts';

export function checkUser({ user }: Snapshot): Judgement[] {
  if (user === 0) return [ok('this runs as root')];
  return [fault(findings.user.notRoot, { uid: user })];
}

interface Known {
  readonly debianPackage: string;
  readonly tested: string;
  readonly use: string;
}

const known: Record<SurveyedTool, Known | undefined> = {
  nft: { debianPackage: 'nftables', tested: '1.0.6', use: 'the daemon writes every rule with it' },
  ip: { debianPackage: 'iproute2', tested: '6.1', use: 'the commands that `explain` and `doctor` print call it' },
  iptables: undefined,
};

export function checkTools({ tools }: Snapshot): Judgement[] {
  return [...tools].flatMap(([name, found]) => {
    const needed = known[name];
    if (found === undefined) {
      if (needed === undefined) return [ok(`${name} is not installed, and not needed`)];
      const { use, debianPackage } = needed;
      return [fault(findings.tools.notInstalled, { tool: name, use, package: debianPackage })];
    }
    if (name === 'iptables') return [judgeIptables(found.version)];
    const version = versionIn(found.version);
    if (needed !== undefined && (version === undefined || isOlder(version, needed.tested))) {
      const { use, tested, debianPackage } = needed;
      const gaps = { tool: name, version: found.version, tested, use, package: debianPackage };
      return [fault(findings.tools.oldTool, gaps)];
    }
    return [ok(`${name}: ${found.version} (${found.path})`)];
  });
}

function judgeIptables(version: string): Judgement {
  if (!version.includes('legacy')) return ok(`iptables: ${version}`);
  return fault(findings.tools.legacyIptables, { version });
}

/** `1.0.6` in whatever the tool says about itself. */
export function versionIn(text: string): string | undefined {
  return /\d+(?:\.\d+)+/.exec(text)?.[0];
}

export function isOlder(version: string, than: string): boolean {
  const [ours, theirs] = [version, than].map((text) => text.split('.').map(Number));
  for (const [place, wanted] of (theirs ?? []).entries()) {
    const part = ours?.[place] ?? 0;
    if (part !== wanted) return part < wanted;
  }
  return false;
}
