/** One boot of an image in plain emulation: no KVM, no network, nothing of the machine's own. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Image } from './image.ts';

export interface Boot {
  /** What the scenario wrote. */
  readonly report: string;
  readonly console: string;
}

const limitMs = 20 * 60_000;
/** What Node asks for, and no AVX, which is slow to emulate. */
const processor = 'qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+rdrand';

/** `input` is a directory with `scenario.sh`; `heard` gets the report as it grows. The image itself is not changed. */
export async function bootImage(image: Image, input: string, heard: (text: string) => void): Promise<Boot> {
  const directory = mkdtempSync(join(tmpdir(), 'protect-network-boot-'));
  const [disk, report, console] = ['input', 'report', 'console'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  try {
    await execa('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-d', input, disk, '512M']);
    closeSync(openSync(report, 'w'));
    const follow = followFile(report, heard);
    try {
      await execa('qemu-system-x86_64', argumentsOf(image, disk, report, console), {
        timeout: limitMs,
        stdin: 'ignore',
      });
    } finally {
      follow.end();
    }
    return { report: readFileSync(report, 'utf8'), console: readFileSync(console, 'utf8') };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function argumentsOf({ kernel, initrd, disk }: Image, input: string, report: string, console: string): string[] {
  return [
    ...['-machine', 'pc', '-accel', 'tcg,thread=multi,tb-size=512', '-cpu', processor, '-smp', '2', '-m', '1024'],
    ...['-display', 'none', '-nodefaults', '-no-reboot', '-monitor', 'none', '-nic', 'none'],
    ...['-serial', `file:${console}`, '-serial', `file:${report}`],
    ...['-kernel', kernel, '-initrd', initrd],
    ...['-append', 'console=ttyS0 panic=-1 mitigations=off systemd.show_status=false'],
    ...['-drive', `file=${disk},format=raw,if=virtio,snapshot=on`],
    ...['-drive', `file=${input},format=raw,if=virtio,snapshot=on`],
    ...['-device', 'virtio-rng-pci'],
  ];
}

function followFile(file: string, heard: (text: string) => void): { end(): void } {
  let read = 0;
  const look = () => {
    if (statSync(file).size === read) return;
    const text = readFileSync(file);
    heard(text.toString('utf8', read));
    read = text.length;
  };
  const timer = setInterval(look, 500);
  return {
    end: () => {
      clearInterval(timer);
      look();
    },
  };
}
