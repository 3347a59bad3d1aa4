/**
 * Everything that is booted: Xen, a dom0's kernel and disk, and on that disk what zones are made of. From Debian packages
 * only, of which none is installed here; made once for each set of their versions. Needs root, mmdebstrap, e2fsprogs, kmod,
 * cpio, xz and gcc.
 */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { execa } from 'execa';
import { cached, candidates, Unobtainable } from '../machine/cache.ts';
import { type Modules, makeInitrd, moduleFiles } from '../machine/initrd.ts';
import { debianSources, suite } from '../package/root.ts';
import { compileFrameTool, makeZoneTree } from './zone-tree.ts';

export interface XenImage {
  readonly xen: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly disk: string;
  /** A directory: the root of zones, but for its first program. */
  readonly zone: string;
}

/** What the package depends on, Xen's tools, and what the scenario uses. */
const packages = [
  ...['nftables', 'iproute2', 'conntrack', 'libatomic1', 'libstdc++6', 'busybox-static', 'kmod', 'udev', 'mount'],
  ...['xen-utils-4.17', 'xen-utils-common', 'xenstore-utils'],
  ...['iptables', 'tcpdump', 'ethtool', 'iputils-ping', 'netcat-openbsd', 'procps'],
];
const hypervisor = 'xen-hypervisor-4.17-amd64';
/** What depends on the newest kernel. */
const kernelPackage = 'linux-image-amd64';

const dom0Modules = [
  ...['xen-netback', 'xen-gntdev', 'xen-gntalloc', 'xen-evtchn', 'xen-privcmd', 'xenfs'],
  ...['virtio_pci', 'virtio_blk', 'ext4', 'crc32c_generic', 'veth', 'bridge', 'br_netfilter'],
];
/** All of netfilter: what a host loads of it depends on what is typed there. */
const moduleFolders = ['net/netfilter', 'net/ipv4/netfilter', 'net/ipv6/netfilter'];

export async function xenImage(say: (text: string) => void): Promise<XenImage> {
  const directory = await cached('xen', await cacheKey(), async (draft) => {
    say('making a dom0 and what zones are made of, from Debian packages; kept for the next time');
    await makeImage(draft);
  });
  const at = (name: string) => join(directory, name);
  return { xen: at('xen'), kernel: at('vmlinux'), initrd: at('initrd'), disk: at('disk'), zone: at('zone') };
}

async function cacheKey(): Promise<string[]> {
  const recipe = ['image.ts', 'zone-tree.ts'];
  const texts = recipe.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));
  return [...(await candidates([...packages, hypervisor, kernelPackage])), ...texts];
}

async function makeImage(directory: string): Promise<void> {
  const root = join(directory, 'root');
  const modules = await unpackKernel(directory);
  await makeRoot(root);
  await putModules(modules, [...dom0Modules, ...namesBelow(modules)], root);
  await makeInitrd(root, modules, '/sbin/dom0-init', join(directory, 'initrd'));
  await makeZoneTree(root, modules, join(directory, 'zone'));
  copyFileSync(join(directory, 'vmlinux'), join(root, 'boot/vmlinux'));
  await compileFrameTool('frame-watch', join(root, 'usr/local/bin/frame-watch'));
  writeFileSync(join(root, 'sbin/dom0-init'), dom0Init);
  chmodSync(join(root, 'sbin/dom0-init'), 0o755);
  mkdirSync(join(root, 'input'));
  await execa('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-d', root, join(directory, 'disk'), '2G']);
  for (const each of [root, modules.root]) rmSync(each, { recursive: true, force: true });
}

/** What is to be done comes on the second disk. */
const dom0Init = `#!/bin/sh
mount -t ext4 -o ro /dev/vdb /input
exec /input/dom0-init.sh
`;

async function makeRoot(root: string): Promise<void> {
  const excluded = ['doc', 'man', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  const options = ['--variant=essential', '--mode=root', '--aptopt=APT::Install-Recommends "false"', ...excluded];
  await execa('mmdebstrap', [...options, `--include=${packages.join()}`, suite, root, ...(await debianSources())]);
  writeFileSync(join(root, 'etc/hostname'), 'dom0\n');
  // Nothing here outlives the boot.
  writeFileSync(join(root, 'etc/dpkg/dpkg.cfg.d/unsafe-io'), 'force-unsafe-io\n');
}

/** The files `xen` and `vmlinux`, and a root with the kernel's modules. Throws `Unobtainable` where packages are. */
async function unpackKernel(directory: string): Promise<Modules> {
  const [debs, root] = [join(directory, 'debs'), join(directory, 'kernel')];
  mkdirSync(debs);
  const { stdout } = await execa('apt-cache', ['depends', kernelPackage]);
  const kernel = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (kernel === undefined) throw new Error(`${kernelPackage} depends on no kernel`);
  await execa('apt-get', ['download', kernel, hypervisor], { cwd: debs }).catch((cause) => {
    throw new Unobtainable(`${kernel} and ${hypervisor} could not be downloaded`, { cause });
  });
  for (const deb of readdirSync(debs)) await execa('dpkg', ['-x', join(debs, deb), root]);
  rmSync(debs, { recursive: true });
  const boot = readdirSync(join(root, 'boot'));
  const [image, xen] = [
    boot.find((name) => name.startsWith('vmlinuz-')),
    boot.find((name) => /^xen-.*\.gz$/.test(name)),
  ];
  if (image === undefined || xen === undefined) throw new Error(`no kernel or no Xen among ${boot.join(' ')}`);
  writeFileSync(join(directory, 'xen'), gunzipSync(readFileSync(join(root, 'boot', xen))));
  writeFileSync(join(directory, 'vmlinux'), await uncompressed(readFileSync(join(root, 'boot', image))));
  const release = image.slice('vmlinuz-'.length);
  await execa('depmod', ['-b', root, release]);
  return { root, release };
}

/** The ELF file within: saves dom0, and then every zone, an emulated decompression. */
async function uncompressed(image: Buffer): Promise<Buffer> {
  const start = image.indexOf(Buffer.from('\xfd7zXZ\0', 'latin1'));
  if (start < 0) throw new Error('the kernel is not packed by xz');
  const options = { input: image.subarray(start), encoding: 'buffer', maxBuffer: 1 << 28 } as const;
  const { stdout } = await execa('xz', ['--single-stream', '-dc'], { ...options, stripFinalNewline: false });
  return Buffer.from(stdout);
}

function namesBelow({ root, release }: Modules): string[] {
  const kernel = join(root, 'lib/modules', release, 'kernel');
  return moduleFolders.flatMap((folder) =>
    readdirSync(join(kernel, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ko'))
      .map((name) => basename(name, '.ko')),
  );
}

/** With the lists that modprobe looks into. */
export async function putModules(modules: Modules, names: readonly string[], root: string): Promise<void> {
  const [from, to] = [
    join(modules.root, 'lib/modules', modules.release),
    join(root, 'usr/lib/modules', modules.release),
  ];
  for (const file of await moduleFiles(modules, names)) {
    const path = join(to, file.slice(from.length));
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(file, path);
  }
  for (const list of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'])
    copyFileSync(join(from, list), join(to, list));
  await execa('depmod', ['-b', join(root, 'usr'), modules.release]);
}
