/** The Debian releases whose tools the kernel suite also runs with, besides the machine's own. */
export interface Release {
  /** Name of its suite in Debian's archive. */
  readonly suite: string;
  /** Upstream versions as the tools themselves print them. */
  readonly versions: Readonly<Record<Tool, string>>;
  /** What the daemon refuses at its start: the suite then runs with the machine's own, and a test sees the refusal. */
  readonly refused: readonly Tool[];
  /** Debian packages whose programs run for real beside the daemon, in this release's root. */
  readonly programs: readonly string[];
}

export type Tool = 'nft' | 'ip' | 'iptables' | 'conntrack';

export const releases: readonly Release[] = [
  {
    suite: 'trixie',
    versions: { nft: '1.1.3', ip: '6.15.0', iptables: '1.8.11', conntrack: '1.4.8' },
    refused: [],
    programs: ['firewalld'],
  },
  {
    suite: 'bullseye',
    // Its iproute2 is 5.10.0 and prints the version before.
    versions: { nft: '0.9.8', ip: '5.9.0', iptables: '1.8.7', conntrack: '1.4.6' },
    refused: ['nft'],
    programs: [],
  },
];

export const debianPackages = ['nftables', 'iproute2', 'iptables', 'conntrack'] as const;

/** Throws for a name that is none of them. */
export function releaseNamed(suite: string | undefined): Release {
  const release = releases.find((candidate) => candidate.suite === suite);
  if (release !== undefined) return release;
  throw new Error(`no such release: ${suite}; there are ${releases.map((one) => one.suite).join(', ')}`);
}

/** Tells a command that `with-tools.ts` has started whose tools it has. */
export const releaseVariable = 'PROTECT_NETWORK_TEST_RELEASE';

/** Undefined where the tools are the machine's own. */
export function releaseInUse(): Release | undefined {
  const suite = process.env[releaseVariable];
  return suite === undefined ? undefined : releaseNamed(suite);
}
