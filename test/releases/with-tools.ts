/**
 * `with-tools.ts SUITE COMMAND ARGUMENT…` runs a command where nft, ip, iptables and conntrack are another Debian
 * release's, save for those that the daemon refuses. They are mounted over the machine's own in a mount namespace that
 * ends with the command: nobody else sees them, and nothing has to be put back. Ends with the command's exit code.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { destroyNamespaces } from '../lab/cleanup.ts';
import { type Release, releaseNamed, releaseVariable, type Tool } from './releases.ts';
import { prepareRoot } from './root.ts';

/** Marks the second start of this file, which happens inside the mount namespace. */
const inside = '--inside';
const namespaces = '/run/netns';
/** What tells the version, and of what. */
const versionArguments: Record<Tool, string> = {
  nft: '--version',
  ip: '-V',
  iptables: '--version',
  conntrack: '--version',
};

const [first, ...rest] = process.argv.slice(2);
if (first === inside) {
  const [suite, ...command] = rest;
  const release = releaseNamed(suite);
  await mountTools(release);
  requireVersions(release);
  process.env[releaseVariable] = release.suite;
  process.exitCode = await runToEnd(command);
  // Of a command that was killed; the name of each namespace ends with this mount namespace.
  destroyNamespaces(readdirSync(namespaces));
} else {
  await prepareRoot(releaseNamed(first));
  const again = [process.execPath, import.meta.filename, inside, String(first), ...rest];
  process.exitCode = await runToEnd(['unshare', '--mount', '--propagation', 'private', ...again]);
}

async function mountTools(release: Release): Promise<void> {
  for (const { name, source, path } of await prepareRoot(release)) {
    if (!release.refused.some((tool) => tool === name)) mount(['--bind', source, path]);
  }
  // Network namespaces made here have names here only.
  mkdirSync(namespaces, { recursive: true });
  mount(['-t', 'tmpfs', 'tmpfs', namespaces]);
}

function mount(args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
}

/** A suite that quietly ran with the machine's own tools would prove nothing. */
function requireVersions({ suite, versions, refused }: Release): void {
  for (const [tool, version] of Object.entries(versions)) {
    if (refused.some((name) => name === tool)) continue;
    const { stdout, stderr } = spawnSync(tool, [versionArguments[tool as Tool]], { encoding: 'utf8' });
    if (!stdout.match(/[0-9][0-9.]*[0-9]/)?.includes(version)) {
      throw new Error(`${tool} of ${suite} should be ${version}, and says: ${stdout}${stderr}`);
    }
  }
}

/** Exit code as a shell would say it. Signals that end us end the command first. */
async function runToEnd([command = '', ...args]: string[]): Promise<number> {
  const child = spawn(command, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
