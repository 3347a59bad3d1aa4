// A Debian that has nothing: a minimal root of this machine's release with Node, npm and the checkout in it, for as long as
// commands run there. What a set-up step forgets to install shows there; where somebody has installed it by hand it does not.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { root as checkout, installDebianPackages } from './setup.mjs';

const place = '/srv/protect-network';
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** How this machine reaches its package sources; nothing else of its environment is taken over. */
const variables = /^(https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_(file|dir)|npm_config_registry)$/i;
const prefix = 'protect-network-bare-';

/** Runs with the root as $0. Up to `--` come pairs: a path of this machine, and where in the root it is seen, read-only. */
const enter = `set -e
mount --make-rprivate /; mount --bind "$0" "$0"
while [ "$1" != -- ]; do mount --bind "$1" "$0$2"; mount -o remount,bind,ro "$0$2"; shift 2; done; shift
cd "$0"; mount --rbind /dev dev; mount -t sysfs sysfs sys; mount -t proc proc proc; mount -t tmpfs tmpfs run
pivot_root . mnt; cd ${place}; umount -l /mnt
exec "$@"`;

/**
 * Makes the root with `packages` besides, and takes it away again whatever happens. `use` is given a function that runs a
 * command in the checkout there, in a mount namespace of its own, and resolves with its exit code. Throws where something
 * cannot be had.
 */
export async function withBareRoot(packages, use) {
  installDebianPackages({ mmdebstrap: '/usr/bin/mmdebstrap', git: '/usr/bin/git' });
  for (const stale of readdirSync(tmpdir()).filter(isStale)) rmSync(join(tmpdir(), stale), { recursive: true });
  const root = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  try {
    console.log(`bare root: making a minimal Debian in ${root}`);
    chmodSync(root, 0o755);
    const include = `--include=${['ca-certificates', ...packages].join(',')}`;
    const how = ['--quiet', '--mode=root', '--variant=minbase', include, ...downloadOptions()];
    must('mmdebstrap', [...how, release(), root, ...sources()]);
    placeNode(root);
    placeCheckout(root);
    return await use((command, environment) => runIn(root, command, environment));
  } finally {
    killIn(root);
    rmSync(root, { recursive: true, force: true });
  }
}

/** Of a run that was killed. */
function isStale(name) {
  const pid = name.startsWith(prefix) ? name.slice(prefix.length).split('-')[0] : undefined;
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}

function release() {
  return /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
}

/** mmdebstrap reads no apt.conf; it leaves these in the root for the apt there. */
function downloadOptions() {
  const lines = must('apt-config', ['dump', 'Acquire']).split('\n');
  const chosen = lines.filter((line) => /^Acquire::(https?|Check-|Retries)/.test(line));
  return chosen.map((line) => `--aptopt=${line.replace(/;$/, '')}`);
}

/** Those of Debian's own that this machine's apt knows. */
function sources() {
  const format = '$(ORIGIN) $(COMPONENT) $(REPO_URI) $(RELEASE)';
  const rows = must('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']).split('\n');
  const own = rows.filter((row) => row.startsWith('Debian main ')).map((row) => row.split(' '));
  if (own.length === 0) throw new Error('apt knows no source of Debian: run apt-get update');
  const key = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
  return own.map(([, , uri, suite]) => `deb ${key} ${uri} ${suite} main`);
}

/** The Node and npm that this was started with, not those of node_modules. */
function placeNode(root) {
  const node = which('node');
  const npm = dirname(dirname(realpathSync(which('npm'))));
  cpSync(realpathSync(node), join(root, 'usr/local/bin/node'));
  cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
  const { status, stderr } = spawnSync('chroot', [root, '/usr/local/bin/node', '--version'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`this machine's Node (${node}) does not run on a bare Debian: ${stderr}`);
}

function which(program) {
  const directories = (process.env.PATH ?? '').split(delimiter).filter((path) => !path.includes('node_modules'));
  const found = directories.map((directory) => join(directory, program)).find(existsSync);
  if (found === undefined) throw new Error(`${program} is not in PATH`);
  return found;
}

/** Its files as they are, changes that are not committed included, and nothing that git ignores. */
function placeCheckout(root) {
  const files = must('git', ['-C', checkout, 'ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  for (const file of files.split('\0').filter((name) => name !== '' && existsSync(join(checkout, name)))) {
    cpSync(join(checkout, file), join(root, place, file), { recursive: true, verbatimSymlinks: true });
  }
}

async function runIn(root, command, environment = {}) {
  const kept = Object.entries(process.env).filter(([name]) => variables.test(name));
  const env = { ...Object.fromEntries(kept), HOME: '/root', PATH: searchPath, ...environment };
  const args = ['--mount', 'sh', '-c', enter, root, ...sharedFiles(root), '--', ...command];
  const child = spawn('unshare', args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  const stop = (signal) => child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, stop);
  const [code] = await once(child, 'exit');
  for (const signal of signals) process.off(signal, stop);
  return code ?? 1;
}

/** Seen in the root and never copied: they may hold a password of a registry. */
function sharedFiles(root) {
  const npmConfiguration = (key) => must('npm', ['config', 'get', key]).trim();
  const pairs = [
    ...['/etc/resolv.conf', '/etc/hosts', '/etc/ssl/certs', '/etc/apt/auth.conf.d'].map((path) => [path, path]),
    [npmConfiguration('userconfig'), '/root/.npmrc'],
    [npmConfiguration('globalconfig'), '/usr/local/etc/npmrc'],
  ].filter(([path]) => existsSync(path));
  for (const [path, seen] of pairs) {
    if (existsSync(join(root, seen))) continue;
    mkdirSync(dirname(join(root, seen)), { recursive: true });
    if (statSync(path).isDirectory()) mkdirSync(join(root, seen));
    else writeFileSync(join(root, seen), '');
  }
  return pairs.flatMap(([path, seen]) => [realpathSync(path), seen]);
}

/** What a command left running there. */
function killIn(root) {
  const wanted = identity(root);
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (identity(`/proc/${pid}/root/`) === wanted) process.kill(Number(pid), 'SIGKILL');
  }
}

/** Undefined where it is gone, or is the root of a process that nobody may look into. */
function identity(directory) {
  try {
    const { dev, ino } = statSync(directory);
    return `${dev}:${ino}`;
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(error.code)) return undefined;
    throw error;
  }
}

function must(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`);
  return stdout;
}
