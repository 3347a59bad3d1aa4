/**
 * A Debian 12 with systemd and a kernel, as a disk image for QEMU, from Debian packages only. Made once for each set of
 * package versions, and kept below the temporary directory. Needs root, mmdebstrap, e2fsprogs, kmod and cpio.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { debianSources, suite } from '../package/root.ts';

export interface Image {
  readonly kernel: string;
  readonly initrd: string;
  readonly disk: string;
}

/** What the package depends on beside what every Debian has, and what the scenario uses. */
const packages = [
  ...['systemd-sysv', 'udev', 'kmod', 'linux-image-cloud-amd64', 'busybox-static', 'iputils-ping', 'procps'],
  ...['nftables', 'iproute2', 'iptables', 'conntrack', 'libatomic1', 'libstdc++6'],
];
/** What has to be there before the root file system is. */
const bootModules = ['virtio_pci', 'virtio_blk', 'ext4', 'crc32c_generic'];

export async function systemdImage(say: (text: string) => void): Promise<Image> {
  const directory = join(tmpdir(), `protect-network-systemd-${await cacheKey()}`);
  if (!existsSync(directory)) {
    say('making a Debian image with systemd; kept for the next time');
    const draft = `${directory}.${process.pid}`;
    try {
      mkdirSync(draft);
      await makeImage(draft);
      renameSync(draft, directory);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  }
  return { kernel: join(directory, 'vmlinuz'), initrd: join(directory, 'initrd'), disk: join(directory, 'disk') };
}

/** The versions that apt would install now, and this file. */
async function cacheKey(): Promise<string> {
  const { stdout } = await execa('apt-cache', ['policy', 'linux-image-cloud-amd64', 'systemd', 'nftables', 'iproute2']);
  const versions = stdout.split('\n').filter((line) => line.includes('Candidate:'));
  const parts = [versions.join(), readFileSync(import.meta.filename, 'utf8')];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
}

async function makeImage(directory: string): Promise<void> {
  const root = join(directory, 'root');
  const excluded = ['doc', 'man', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  const options = ['--variant=essential', '--mode=root', '--aptopt=APT::Install-Recommends "false"', ...excluded];
  await execa('mmdebstrap', [...options, `--include=${packages.join()}`, suite, root, ...(await debianSources())]);
  writeFileSync(join(root, 'etc/fstab'), '/dev/vda / ext4 defaults 0 0\n');
  writeFileSync(join(root, 'etc/hostname'), 'dom0\n');
  writeFileSync(join(root, 'etc/systemd/system/scenario.service'), scenarioUnit);
  await execa('systemctl', ['--root', root, 'enable', 'scenario.service']);
  // Nobody logs in, and each of these costs emulated seconds.
  await execa('systemctl', [
    '--root',
    root,
    'mask',
    'getty@tty1',
    'serial-getty@ttyS0',
    'apt-daily.timer',
    'apt-daily-upgrade.timer',
  ]);
  const kernel = readdirSync(join(root, 'boot')).find((name) => name.startsWith('vmlinuz-'));
  if (kernel === undefined) throw new Error('linux-image-cloud-amd64 brought no kernel');
  copyFileSync(join(root, 'boot', kernel), join(directory, 'vmlinuz'));
  await makeInitrd(root, kernel.slice('vmlinuz-'.length), directory);
  await execa('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-d', root, join(directory, 'disk'), '1536M']);
  rmSync(root, { recursive: true, force: true });
}

/** Debian's own takes 20 emulated seconds; this one, 2. */
async function makeInitrd(root: string, release: string, directory: string): Promise<void> {
  const tree = join(directory, 'initrd-tree');
  for (const name of ['bin', 'proc', 'sys', 'dev', 'newroot', 'modules'])
    mkdirSync(join(tree, name), { recursive: true });
  copyFileSync(join(root, 'bin/busybox'), join(tree, 'bin/busybox'));
  const { stdout } = await execa('modprobe', ['-a', '-d', root, '-S', release, '--show-depends', ...bootModules]);
  const files = [...new Set(stdout.split('\n').flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []))];
  const names = files.map((file, place) => {
    const name = `${place}.ko`;
    copyFileSync(file, join(tree, 'modules', name));
    return name;
  });
  writeFileSync(join(tree, 'init'), initScript(names));
  chmodSync(join(tree, 'init'), 0o755);
  const list = readdirSync(tree, { recursive: true }).join('\n');
  const { stdout: archive } = await execa('cpio', ['-o', '-H', 'newc', '--quiet'], {
    cwd: tree,
    input: `${list}\n`,
    encoding: 'buffer',
    stripFinalNewline: false,
  });
  writeFileSync(join(directory, 'initrd'), archive);
  rmSync(tree, { recursive: true });
}

function initScript(modules: readonly string[]): string {
  return `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
${modules.map((name) => `/bin/busybox insmod /modules/${name}`).join('\n')}
/bin/busybox mount -t ext4 -o noatime /dev/vda /newroot
/bin/busybox mount --move /dev /newroot/dev
exec /bin/busybox switch_root /newroot /sbin/init
`;
}

/** The scenario comes on a second disk, its report goes out by the second serial line. */
const scenarioUnit = `[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mkdir -p /scenario && mount /dev/vdb /scenario && exec /bin/sh /scenario/scenario.sh > /dev/ttyS1 2>&1'
ExecStopPost=/bin/sh -c 'sync; systemctl poweroff --force --force'
[Install]
WantedBy=multi-user.target
`;
