/** Archives that a kernel unpacks as its first root. */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';

/** What has to be there before the disk's root is. */
const diskModules = ['virtio_pci', 'virtio_blk', 'ext4', 'crc32c_generic'];

export interface Modules {
  /** A directory with lib/modules. */
  readonly root: string;
  readonly release: string;
}

/**
 * Mounts /dev/vda and starts `init` there. `root` has busybox, and its modules are the kernel's. Debian's own initrd takes
 * 20 emulated seconds; this one, 2.
 */
export async function makeInitrd(root: string, modules: Modules, init: string, file: string): Promise<void> {
  const tree = `${file}-tree`;
  for (const name of ['bin', 'proc', 'sys', 'dev', 'newroot', 'modules'])
    mkdirSync(join(tree, name), { recursive: true });
  copyFileSync(join(root, 'bin/busybox'), join(tree, 'bin/busybox'));
  const names = (await moduleFiles(modules, diskModules)).map((from) => {
    copyFileSync(from, join(tree, 'modules', basename(from)));
    return basename(from);
  });
  writeFileSync(join(tree, 'init'), initScript(names, init));
  chmodSync(join(tree, 'init'), 0o755);
  await packTree(tree, file);
}

/** Absolute paths of the modules and of all that they need, in the order of loading. What is built in is left out. */
export async function moduleFiles({ root, release }: Modules, names: readonly string[]): Promise<string[]> {
  const { stdout } = await execa('modprobe', ['-a', '-d', root, '-S', release, '--show-depends', ...names]);
  return [...new Set(stdout.split('\n').flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []))];
}

/** Archives the tree and removes it. */
export async function packTree(tree: string, file: string): Promise<void> {
  const list = readdirSync(tree, { recursive: true }).join('\n');
  const { stdout } = await execa('cpio', ['-o', '-H', 'newc', '--quiet'], {
    cwd: tree,
    input: `${list}\n`,
    encoding: 'buffer',
    stripFinalNewline: false,
  });
  writeFileSync(file, stdout);
  rmSync(tree, { recursive: true });
}

function initScript(modules: readonly string[], init: string): string {
  return `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
${modules.map((name) => `/bin/busybox insmod /modules/${name}`).join('\n')}
/bin/busybox mount -t ext4 -o noatime /dev/vda /newroot
/bin/busybox mount --move /dev /newroot/dev
exec /bin/busybox switch_root /newroot ${init}
`;
}
