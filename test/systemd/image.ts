/**
 * A Debian 12 with systemd and a kernel, as a disk image for QEMU, from Debian packages only. Made once for each set of
 * package versions, and kept below the temporary directory. Needs root, mmdebstrap, e2fsprogs, kmod and cpio.
 */
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { cached, candidates } from '../machine/cache.ts';
import { makeInitrd } from '../machine/initrd.ts';
import { debianSources, suite } from '../package/root.ts';

export interface Image {
  readonly kernel: string;
  readonly initrd: string;
  readonly disk: string;
}

/** What the package depends on beside what every Debian has, and what the scenario uses. */
const packages = [
  ...['systemd-sysv', 'udev', 'kmod', 'linux-image-cloud-amd64', 'busybox-static', 'iputils-ping', 'procps'],
  ...['nftables', 'iproute2', 'netbase', 'iptables', 'conntrack', 'libatomic1', 'libstdc++6'],
];

export async function systemdImage(say: (text: string) => void): Promise<Image> {
  const key = [...(await candidates(packages)), readFileSync(import.meta.filename, 'utf8')];
  const directory = await cached('systemd', key, async (draft) => {
    say('making a Debian image with systemd; kept for the next time');
    await makeImage(draft);
  });
  return { kernel: join(directory, 'vmlinuz'), initrd: join(directory, 'initrd'), disk: join(directory, 'disk') };
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
  const modules = { root, release: kernel.slice('vmlinuz-'.length) };
  await makeInitrd(root, modules, '/sbin/init', join(directory, 'initrd'));
  await execa('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-d', root, join(directory, 'disk'), '1536M']);
  rmSync(root, { recursive: true, force: true });
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
