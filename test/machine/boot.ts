/** One boot of a machine in plain emulation: no KVM, no network, nothing of this machine's own. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

export interface Machine {
  /** Of QEMU: processor, memory, kernel and what it is told. */
  readonly options: readonly string[];
  /** The first disk, which is not changed. */
  readonly disk: string;
  /** A directory, which the machine finds on its second disk. What is written meanwhile lies beside it. */
  readonly input: string;
  readonly processors: 1 | 2;
  readonly limitMs: number;
  /** Gets the report as it grows. */
  heard(text: string): void;
}

export interface Boot {
  /** What was written to the second serial line. */
  readonly report: string;
  /** What was written to the first. */
  readonly console: string;
}

/** What Node asks for, and no AVX, which is slow to emulate. */
export const processor = 'qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+rdrand';

/** Resolves when the machine is off, or has been ended because it was not in time: its report has no end then. */
export async function bootMachine(machine: Machine): Promise<Boot> {
  const directory = mkdtempSync(join(dirname(machine.input), 'boot-'));
  const [input, report, console] = ['input', 'report', 'console'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  try {
    await execa('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-d', machine.input, input, '512M']);
    closeSync(openSync(report, 'w'));
    const follow = followFile(report, machine.heard);
    try {
      const options = [...machine.options, ...surroundings(machine, input, report, console)];
      const { timedOut, failed, stderr } = await execa('qemu-system-x86_64', options, {
        ...{ timeout: machine.limitMs, stdin: 'ignore', reject: false },
      });
      if (failed && !timedOut) throw new Error(`the emulator failed: ${stderr}`);
      if (timedOut) machine.heard(`# not over after ${machine.limitMs / 1000} s: ended\n`);
    } finally {
      follow.end();
    }
    return { report: readFileSync(report, 'utf8'), console: readFileSync(console, 'utf8') };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function surroundings({ disk, processors }: Machine, input: string, report: string, console: string): string[] {
  return [
    ...['-machine', 'pc', '-accel', 'tcg,thread=multi,tb-size=512', '-smp', String(processors)],
    ...['-display', 'none', '-nodefaults', '-no-reboot', '-monitor', 'none', '-nic', 'none'],
    ...['-serial', `file:${console}`, '-serial', `file:${report}`],
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
