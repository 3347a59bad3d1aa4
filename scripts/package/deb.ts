/** Debian packages and tarballs from a manifest. The same files and the same time stamp give the same bytes. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import type { Entry } from './manifest.ts';

export interface PackageOptions {
  readonly entries: readonly Entry[];
  readonly version: string;
  /** Seconds since 1970; every file's. */
  readonly time: number;
  /** Directory for the result. */
  readonly output: string;
  /** dpkg-deb's options. By default xz at its fastest: its slowest takes four times as long for a tenth less. */
  readonly compression?: readonly string[];
}

const debianScripts = join(import.meta.dirname, 'debian');
const debianArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Returns the path of `protect-network_VERSION_ARCHITECTURE.deb`. */
export function buildDeb({
  entries,
  version,
  time,
  output,
  compression = ['-Zxz', '-z1'],
}: PackageOptions): Promise<string> {
  const architecture = debianArchitectures[process.arch];
  if (architecture === undefined) throw new Error(`no Debian architecture is known for ${process.arch}`);
  return inTree(async (tree) => {
    stage(join(tree, 'usr'), [...entries, ...debianEntries(version, time)].map(compressed));
    const files = filesIn(join(tree, 'usr')).map((file) => relative(tree, file));
    const control = join(tree, 'DEBIAN');
    mkdirSync(control, { mode: 0o755 });
    for (const name of ['postinst', 'prerm', 'postrm'])
      install(join(control, name), { from: join(debianScripts, name), executable: true });
    const bytes = files.reduce((sum, file) => sum + lstatSync(join(tree, file)).size, 0);
    install(join(control, 'control'), { from: { text: controlFile(version, architecture, Math.ceil(bytes / 1024)) } });
    install(join(control, 'md5sums'), { from: { text: files.map((file) => md5Line(tree, file)).join('') } });
    stamp(tree, time);
    const deb = join(output, `protect-network_${version}_${architecture}.deb`);
    await execa('dpkg-deb', ['--root-owner-group', ...compression, '--build', tree, deb], {
      env: { SOURCE_DATE_EPOCH: String(time) },
    });
    return deb;
  });
}

/** Returns the path of `protect-network-VERSION-linux-ARCHITECTURE.tar.gz`, which runs wherever it is unpacked. */
export function buildTarball({ entries, version, time, output }: PackageOptions): Promise<string> {
  return inTree(async (tree) => {
    const name = `protect-network-${version}`;
    stage(join(tree, name), entries);
    stamp(tree, time);
    const tarball = join(output, `${name}-linux-${process.arch}.tar.gz`);
    const owner = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];
    await execa('tar', [...owner, '--use-compress-program=gzip -n -6', '-cf', tarball, '-C', tree, name]);
    return tarball;
  });
}

async function inTree<T>(use: (tree: string) => Promise<T>): Promise<T> {
  const tree = mkdtempSync(join(tmpdir(), 'protect-network-package-'));
  try {
    chmodSync(tree, 0o755);
    return await use(tree);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

function stage(prefix: string, entries: readonly Entry[]): void {
  for (const entry of entries) install(join(prefix, entry.to), entry);
}

function install(path: string, { from, executable = false }: Omit<Entry, 'to'>): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  if (typeof from === 'string') copyFileSync(from, path);
  else writeFileSync(path, from.text);
  chmodSync(path, executable ? 0o755 : 0o644);
}

/** Man pages and the changelog, as Debian wants them (policy 12.1, 12.7). */
function compressed(entry: Entry): Entry {
  const { to, from } = entry;
  if (!to.startsWith('share/man/') && !to.endsWith('/changelog')) return entry;
  const content = typeof from === 'string' ? readFileSync(from) : from.text;
  return { to: `${to}.gz`, from: { text: gzipSync(content, { level: 9 }) } };
}

function debianEntries(version: string, time: number): Entry[] {
  const date = new Date(time * 1000).toUTCString().replace('GMT', '+0000');
  const changelog = `protect-network (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md beside this file.\n\n -- ${maintainer}  ${date}\n`;
  return [
    { to: 'share/doc/protect-network/changelog', from: { text: changelog } },
    { to: 'share/lintian/overrides/protect-network', from: join(debianScripts, 'lintian-overrides') },
  ];
}

const maintainer = 'protect-network developers <protect-network@packages.invalid>';

/** Versions of libraries: what Node 26's symbols ask for (`objdump -T`). */
function controlFile(version: string, architecture: string, kibibytes: number): string {
  return `Package: protect-network
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${kibibytes}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 9), libatomic1, netbase, nftables (>= 1.0.2), iproute2 (>= 5.10)
Recommends: iptables
Suggests: ethtool, tcpdump
Section: net
Priority: optional
Description: network of Xen zones: routes, proxy ARP and NDP, forwarding, masquerade
 Connects the links of Xen zones (vif<DOMID>.<DEVID>) to the network on a dom0:
 host routes, proxy ARP and NDP, the forwarding path, masquerade, and protection
 against spoofed addresses; keeps all of it in place until the zone goes.
 .
 Stopping, restarting and upgrading it does not interrupt traffic. Removing it
 removes what it made from the host: zones then lose their network.
 .
 Carries its own Node.
`;
}

function md5Line(tree: string, file: string): string {
  return `${createHash('md5')
    .update(readFileSync(join(tree, file)))
    .digest('hex')}  ${file}\n`;
}

function filesIn(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function stamp(tree: string, time: number): void {
  for (const entry of readdirSync(tree, { withFileTypes: true, recursive: true })) {
    lutimesSync(join(entry.parentPath, entry.name), time, time);
  }
}
