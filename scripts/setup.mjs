// Installs what a checkout lacks and says so. Runs under whatever Node npm was started with, with nothing installed yet.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';

/** Debian package by a file it brings. */
export const runPackages = {
  ...packagesOfNode(),
  nftables: '/usr/sbin/nft',
  iproute2: '/usr/sbin/ip',
  conntrack: '/usr/sbin/conntrack',
  iptables: '/usr/sbin/iptables-nft',
  'iputils-ping': '/usr/bin/ping',
  procps: '/usr/sbin/sysctl',
};

/**
 * The tests also build Debian's xenstored a hypervisor to stand on, make roots with other releases' tools, read a journal,
 * judge man pages, resolve names with the resolvers and the C libraries that people have,
 * and route between hosts.
 */
export const testPackages = {
  ...runPackages,
  gcc: '/usr/bin/gcc',
  'libc6-dev': '/usr/include/stdio.h',
  mmdebstrap: '/usr/bin/mmdebstrap',
  patchelf: '/usr/bin/patchelf',
  mandoc: '/usr/bin/mandoc',
  ufw: '/usr/sbin/ufw',
  arptables: '/usr/sbin/arptables-legacy',
  systemd: '/usr/bin/journalctl',
  'dnsmasq-base': '/usr/sbin/dnsmasq',
  'musl-tools': '/usr/bin/musl-gcc',
  curl: '/usr/bin/curl',
  git: '/usr/bin/git',
  zsh: '/usr/bin/zsh',
  fish: '/usr/bin/fish',
  bird2: '/usr/sbin/bird',
  frr: '/usr/lib/frr/bgpd',
  tcpdump: '/usr/bin/tcpdump',
};

/** What builds a Debian system and installs the package there. */
export const packagePackages = {
  mmdebstrap: '/usr/bin/mmdebstrap',
  lintian: '/usr/bin/lintian',
};

/** What the web view is tried in, and a font for it. */
export const webPackages = {
  chromium: '/usr/bin/chromium',
  'fonts-dejavu-core': '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf',
};

/** What boots such a system. */
export const systemdPackages = {
  mmdebstrap: '/usr/bin/mmdebstrap',
  'qemu-system-x86': '/usr/bin/qemu-system-x86_64',
  e2fsprogs: '/usr/sbin/mke2fs',
  kmod: '/usr/sbin/modprobe',
  cpio: '/usr/bin/cpio',
  systemd: '/usr/bin/systemctl',
};

/** What boots Xen with a dom0 and zones. */
export const xenPackages = {
  ...systemdPackages,
  'xz-utils': '/usr/bin/xz',
  gcc: '/usr/bin/gcc',
  'libc6-dev': '/usr/lib/x86_64-linux-gnu/libc.a',
};

/** Throws with a sentence where something cannot be had. */
export function setUp(packages) {
  // npm ci checks the Node that it brings by running it, and that Node may need a library of Debian's first.
  installDebianPackages({ ...packagesOfNode(), ...packages });
  installNpmPackages();
}

/** What the Node that npm brings is linked with, and a Debian without a compiler lacks. */
function packagesOfNode() {
  return { libatomic1: library('libatomic.so.1') };
}

/** Where it lies on this machine, or where Debian would put it. */
function library(name) {
  const places = [`/usr/lib/${triplet}`, `/lib/${triplet}`, '/usr/lib64', '/usr/lib', '/lib64', '/lib'];
  return places.map((place) => join(place, name)).find(existsSync) ?? join(places[0], name);
}

/** The environment in which `node` is the one that npm installed beside the program. */
export function environment() {
  return { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` };
}

/** Runs a command in the checkout with its output on the screen; returns whether it succeeded. */
export function run(command, args, stdin = 'ignore') {
  return spawnSync(command, args, { cwd: root, env: environment(), stdio: [stdin, 'inherit', 'inherit'] }).status === 0;
}

function installNpmPackages() {
  const lock = join(root, 'package-lock.json');
  const installed = join(root, 'node_modules/.package-lock.json');
  const isCurrent =
    existsSync(installed) &&
    existsSync(join(root, 'node_modules/.bin/node')) &&
    statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
  if (isCurrent) return;
  console.log('setup: installing npm packages (npm ci)');
  if (!run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])) throw new Error('npm ci failed');
  if (!existsSync(join(root, 'node_modules/.bin/node'))) {
    throw new Error('no Node for this machine among the optional packages: only x64 and arm64 Linux have one');
  }
}

export function installDebianPackages(packages) {
  const missing = Object.entries(packages)
    .filter(([, file]) => !existsSync(file))
    .map(([name]) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error(`these Debian packages are missing, and only root can install them: ${missing.join(' ')}`);
  }
  console.log(`setup: installing Debian packages: ${missing.join(' ')}`);
  // A host that was just booted often has its own upgrades under way.
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  const install = [...wait, 'install', '-y', '-qq', '--no-install-recommends', ...missing];
  process.env.DEBIAN_FRONTEND = 'noninteractive';
  if (run('apt-get', install)) return;
  // The package lists may be old or missing.
  if (!run('apt-get', ['update', '-qq']) || !run('apt-get', install)) {
    throw new Error(`apt-get could not install ${missing.join(' ')}`);
  }
}

export function isRoot() {
  return process.getuid?.() === 0;
}

export function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
