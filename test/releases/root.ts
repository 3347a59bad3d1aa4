/**
 * A root directory with another Debian release's tools, from which nothing is installed.
 * mmdebstrap makes it from the machine's own package source; it stays in a cache folder that is named by suite and
 * versions. Copies of its programs are made to load their own libraries by path, so that they run under their own names
 * wherever they are mounted.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { debianPackages, type Release } from './releases.ts';

const run = promisify(execFile);

/** What is mounted where: a path of this machine, and what stands in for it. */
export interface StandIn {
  /** The program's own name, or what a folder is for. */
  readonly name: string;
  readonly path: string;
  readonly source: string;
}

/** Every program behind the tools' names: iptables and its relatives are links to the two xtables programs. */
const programs = ['nft', 'ip', 'conntrack', 'xtables-nft-multi', 'xtables-legacy-multi'];
const alternatives = ['iptables', 'ip6tables'].flatMap((name) => ['', '-save', '-restore'].map((end) => name + end));
const programDirectories = ['usr/sbin', 'usr/bin', 'sbin', 'bin'];
/** Where the changed copies lie in the root. */
const copies = 'tools';

/** Takes about 15 s the first time on a machine. Throws with what is missing. */
export async function prepareRoot(release: Release): Promise<StandIn[]> {
  const root = await rootOf(release);
  if (!existsSync(root)) await fill(root, release);
  return standIns(root);
}

/** Where it lies once it is prepared. */
export async function rootOf(release: Release): Promise<string> {
  const recipe = createHash('sha256')
    .update(await readFile(import.meta.filename))
    .digest('hex')
    .slice(0, 8);
  const versions = Object.entries(release.versions).map(([tool, version]) => `${tool}_${version}`);
  const names = [...versions, ...release.programs, recipe];
  return join(tmpdir(), ['protect-network-test-tools', release.suite, ...names].join('-'));
}

/** Fills a folder of its own and renames it, so that two suites at once, or one interrupted, leave no half-filled cache. */
async function fill(root: string, { suite, programs: others }: Release): Promise<void> {
  const work = await mkdtemp(`${root}-`);
  try {
    const include = `--include=${[...debianPackages, ...others].join(',')}`;
    const how = ['--quiet', '--mode=root', '--variant=extract', include, ...(await downloadOptions())];
    await need('mmdebstrap', [...how, suite, work, await sourceLine(suite)]);
    await mkdir(join(work, copies));
    // As the packages' own scripts would, which do not run.
    for (const name of alternatives) await symlink('xtables-nft-multi', join(work, 'usr/sbin', name));
    for (const program of programs) await copyWithOwnLibraries(work, root, program);
    // The tests also run programs as nobody.
    await chmod(work, 0o755);
    await rename(work, root);
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    if (!existsSync(root)) throw error;
  }
}

/** How this machine reaches its source: proxies, and whether indexes may be past their date. mmdebstrap reads no apt.conf. */
async function downloadOptions(): Promise<string[]> {
  const { stdout } = await need('apt-config', ['dump', 'Acquire']);
  const lines = stdout.split('\n').filter((line) => /^Acquire::(https?|Check-|Retries)/.test(line));
  return lines.map((line) => `--aptopt=${line.replace(/;$/, '')}`);
}

/** The source that this machine's own release comes from, for another suite. */
async function sourceLine(suite: string): Promise<string> {
  const [{ stdout }, release] = await Promise.all([
    need('apt-get', ['indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages']),
    readFile('/etc/os-release', 'utf8'),
  ]);
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1];
  const rows = stdout.split('\n').map((line) => line.split(' '));
  const uri = rows.find(([, row, component]) => row === codename && component === 'main')?.[0];
  if (uri === undefined) throw new Error(`apt knows no source for ${codename} main, so none for ${suite} either`);
  return `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${uri} ${suite} main`;
}

/**
 * RPATH, not RUNPATH: it also holds for the libraries' libraries and for iptables' extensions. Nothing that exists is
 * written to. `home` is where the root will lie.
 */
async function copyWithOwnLibraries(root: string, home: string, program: string): Promise<void> {
  const original = await fileInRoot(root, program);
  const directories = await libraryDirectories(root);
  const { stdout } = await need('patchelf', ['--print-interpreter', original]);
  const loaders = directories.map((directory) => join(directory, basename(stdout.trim())));
  const loader = loaders.find((path) => existsSync(join(root, path)));
  if (loader === undefined) throw new Error(`${root} has none of ${loaders.join(', ')}`);
  const libraries = directories.map((directory) => join(home, directory)).join(':');
  const change = ['--set-interpreter', join(home, loader), '--force-rpath', '--set-rpath', libraries];
  await need('patchelf', [...change, '--output', join(root, copies, program), original]);
}

/** The program as a file of the root. Its links may be absolute and lead out of it: those are never followed. */
async function fileInRoot(root: string, program: string): Promise<string> {
  for (const directory of programDirectories) {
    const path = join(root, directory, program);
    if (existsSync(path) && (await lstat(path)).isFile()) return path;
  }
  throw new Error(`${root} has no ${program}`);
}

async function standIns(root: string): Promise<StandIn[]> {
  const [libraries = ''] = await libraryDirectories(root);
  const extensions = join(libraries, 'xtables');
  // Where iproute2 keeps its names of protocols and tables has changed; every version looks into /etc.
  const names = ['usr/share/iproute2', 'etc/iproute2'].map((path) => join(root, path)).find(existsSync);
  if (names === undefined) throw new Error(`${root} has no names for iproute2`);
  return [
    ...(await Promise.all(
      programs.map(async (program) => ({
        name: program,
        path: await installed(program),
        source: join(root, copies, program),
      })),
    )),
    { name: 'extensions of iptables', path: join('/', extensions), source: join(root, extensions) },
    { name: 'names for ip', path: '/etc/iproute2', source: names },
  ];
}

/** The machine's own, behind its links. */
async function installed(program: string): Promise<string> {
  const path = programDirectories.map((directory) => join('/', directory, program)).find(existsSync);
  if (path === undefined) throw new Error(`${program} is not installed`);
  return await realpath(path);
}

/** usr/lib/<multiarch triplet> and lib/<multiarch triplet>, relative to the root, whichever machine this is. */
async function libraryDirectories(root: string): Promise<string[]> {
  const triplet = (await readdir(join(root, 'usr/lib'))).find((name) => name.includes('-linux-gnu'));
  if (triplet === undefined) throw new Error(`no libraries were unpacked into ${root}`);
  return [`usr/lib/${triplet}`, `lib/${triplet}`];
}

async function need(command: string, args: string[]): Promise<{ stdout: string }> {
  try {
    return await run(command, args, { maxBuffer: 1 << 24 });
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`tools of other releases need Debian's mmdebstrap, patchelf and its archive: ${detail}`, { cause });
  }
}
