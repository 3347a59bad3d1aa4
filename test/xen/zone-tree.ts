/** The root of a zone: busybox, its network driver, xenstore's client, netcat, and what sends and sees raw frames. */
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { type Modules, moduleFiles } from '../machine/initrd.ts';

/** Their paths in dom0's root. */
const programs = ['usr/bin/xenstore', 'bin/nc.openbsd'];
const links = { sh: 'busybox', nc: 'nc.openbsd', 'xenstore-read': 'xenstore', 'xenstore-write': 'xenstore' };

export const frameTools = ['frame-send', 'frame-watch'];

/** Static: it runs on any of the machines. */
export async function compileFrameTool(name: string, file: string): Promise<void> {
  await execa('gcc', ['-O1', '-static', '-o', file, join(import.meta.dirname, `../lab/frames/${name}.c`)]);
}

/** `root` is dom0's. */
export async function makeZoneTree(root: string, modules: Modules, tree: string): Promise<void> {
  for (const name of ['bin', 'proc', 'sys', 'dev', 'etc', 'tmp', 'modules'])
    mkdirSync(join(tree, name), { recursive: true });
  copyFileSync(join(root, 'bin/busybox'), join(tree, 'bin/busybox'));
  for (const program of programs) await copyWithLibraries(root, program, tree);
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(tree, 'bin', name));
  for (const [place, from] of (await moduleFiles(modules, ['xen-netfront', 'af_packet'])).entries())
    copyFileSync(from, join(tree, 'modules', `${place}.ko`));
  for (const name of frameTools) await compileFrameTool(name, join(tree, 'bin', name));
}

/** Libraries keep their paths, which the loader looks at by itself. */
async function copyWithLibraries(root: string, program: string, tree: string): Promise<void> {
  const { stdout } = await execa('chroot', [root, 'ldd', `/${program}`]);
  const libraries = stdout.split('\n').flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  if (libraries.length === 0) throw new Error(`no libraries of ${program} in ${stdout}`);
  copyFileSync(join(root, program), join(tree, 'bin', program.slice(program.lastIndexOf('/') + 1)));
  for (const library of libraries) {
    mkdirSync(join(tree, dirname(library)), { recursive: true });
    copyFileSync(join(root, library), join(tree, library));
  }
}
