/**
 * Everything that is booted: Xen, a dom0's kernel and disk, and on that disk what zones are made of. From Debian packages
 * only, of which none is installed here; made once for each set of their versions. Needs root, mmdebstrap, e2fsprogs, kmod,
 * cpio, xz and gcc.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { execa } from 'execa';
import { cached, candidates, Unobtainable } from '../machine/cache.ts';
import { type Modules, makeInitrd, moduleFiles } from '../machine/initrd.ts';
import { debianSources, suite as ownSuite } from '../package/root.ts';
import { compileFrameTool, makeZoneTree } from './zone-tree.ts';

export interface XenImage {
  readonly xen: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly disk: string;
  /** A directory: the root of zones, but for its first program. */
  readonly zone: string;
}

/** Of Debian, and its Xen. */
export const suites = { bookworm: '4.17', trixie: '4.20' } as const;
export type Suite = keyof typeof suites;

/** What the package depends on, Xen's tools, and what the scenario uses. */
const packagesOf = (xen: string) => [
  ...[
    'nftables',
    'iproute2',
    'netbase',
    'conntrack',
    'libatomic1',
    'libstdc++6',
    'busybox-static',
    'kmod',
    'udev',
    'mount',
  ],
  ...[`xen-utils-${xen}`, 'xen-utils-common', 'xenstore-utils'],
  ...['iptables', 'tcpdump', 'ethtool', 'iputils-ping', 'netcat-openbsd', 'procps'],
];
/** Xen, and what depends on the newest kernel. */
const bootedOf = (xen: string) => [`xen-hypervisor-${xen}-amd64`, 'linux-image-amd64'];

const dom0Modules = [
  ...['xen-netback', 'xen-gntdev', 'xen-gntalloc', 'xen-evtchn', 'xen-privcmd', 'xenfs'],
  ...['virtio_pci', 'virtio_blk', 'ext4', 'crc32c_generic', 'veth', 'bridge', 'br_netfilter'],
];
const zstdMagic = 0xfd2fb528;
/** All of netfilter: what a host loads of it depends on what is typed there. */
const moduleFolders = ['net/netfilter', 'net/ipv4/netfilter', 'net/ipv6/netfilter'];

export async function xenImage(suite: Suite, say: (text: string) => void): Promise<XenImage> {
  const directory = await cached('xen', await cacheKey(suite), async (draft) => {
    say(`making a dom0 of ${suite} and what zones are made of, from Debian packages; kept for the next time`);
    await makeImage(suite, draft);
  });
  const at = (name: string) => join(directory, name);
  return { xen: at('xen'), kernel: at('vmlinux'), initrd: at('initrd'), disk: at('disk'), zone: at('zone') };
}

/** Of another release than this machine's own, nobody here knows the versions: such an image is kept as long as it may be. */
async function cacheKey(suite: Suite): Promise<string[]> {
  const recipe = ['image.ts', 'zone-tree.ts'];
  const texts = recipe.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));
  const xen = suites[suite];
  const versions = suite === ownSuite ? await candidates([...packagesOf(xen), ...bootedOf(xen)]) : [];
  return [suite, ...versions, ...texts];
}

async function makeImage(suite: Suite, directory: string): Promise<void> {
  const root = join(directory, 'root');
  const modules = await unpackKernel(suite, directory);
  await makeRoot(suite, root);
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

async function makeRoot(suite: Suite, root: string): Promise<void> {
  const excluded = ['doc', 'man', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  await bootstrap(suite, root, 'essential', packagesOf(suites[suite]), excluded);
  writeFileSync(join(root, 'etc/hostname'), 'dom0\n');
  // Nothing here outlives the boot.
  writeFileSync(join(root, 'etc/dpkg/dpkg.cfg.d/unsafe-io'), 'force-unsafe-io\n');
}

/** Throws `Unobtainable` where packages are. */
async function bootstrap(
  suite: Suite,
  root: string,
  variant: 'essential' | 'extract',
  packages: readonly string[],
  more: readonly string[] = [],
): Promise<void> {
  const options = [`--variant=${variant}`, '--mode=root', '--aptopt=APT::Install-Recommends "false"', ...more];
  const sources = await debianSources(suite);
  await execa('mmdebstrap', [...options, `--include=${packages.join()}`, suite, root, ...sources]).catch((cause) => {
    throw new Unobtainable(`${suite} with ${packages.join(' ')} could not be made`, { cause });
  });
}

/** The files `xen` and `vmlinux`, and a root with the kernel's modules. */
async function unpackKernel(suite: Suite, directory: string): Promise<Modules> {
  const root = join(directory, 'kernel');
  await bootstrap(suite, root, 'extract', bootedOf(suites[suite]));
  // In newer packages everything lies in /usr, and base-files, which links to it, is not among these.
  if (!existsSync(join(root, 'lib'))) symlinkSync('usr/lib', join(root, 'lib'));
  const boot = readdirSync(join(root, 'boot'));
  const [image, xen] = [
    boot.find((name) => name.startsWith('vmlinuz-')),
    boot.find((name) => /^xen-.*\.gz$/.test(name)),
  ];
  if (image === undefined || xen === undefined) throw new Error(`no kernel or no Xen among ${boot.join(' ')}`);
  writeFileSync(join(directory, 'xen'), gunzipSync(readFileSync(join(root, 'boot', xen))));
  writeFileSync(join(directory, 'vmlinux'), await uncompressed(readFileSync(join(root, 'boot', image))));
  const release = image.slice('vmlinuz-'.length);
  // busybox loads no packed ones.
  await execa('find', [join(root, 'lib/modules/'), '-name', '*.ko.xz', '-exec', 'xz', '-d', '{}', '+']);
  await execa('depmod', ['-b', root, release]);
  return { root, release };
}

/**
 * The ELF file within: saves dom0, and then every zone, an emulated decompression. Where it is stands in the header (fields
 * setup_sects, payload_offset and payload_length of Linux's Documentation/arch/x86/boot.rst); its size comes behind it.
 */
async function uncompressed(image: Buffer): Promise<Buffer> {
  const start = (image.readUInt8(0x1f1) + 1) * 512 + image.readUInt32LE(0x248);
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c) - 4);
  if (payload.readUInt32LE() === zstdMagic) return zstdDecompressSync(payload);
  const options = { input: payload, encoding: 'buffer', maxBuffer: 1 << 28 } as const;
  const { stdout } = await execa('xz', ['-dc'], { ...options, stripFinalNewline: false });
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
