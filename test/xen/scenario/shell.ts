/**
 * Commands by way of one small shell that stays. A PV kernel copies page tables by hypercalls: to fork Node, with its
 * hundreds of megabytes, takes an emulated second, and to fork a shell next to nothing.
 */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { CommandOptions, CommandResult } from '../../lab/command.ts';

const shell = spawn('/bin/sh', { stdio: ['pipe', 'pipe', 'inherit'] });
const waiting = new Map<number, (exitCode: number) => void>();
let commands = 0;
createInterface({ input: shell.stdout }).on('line', (line) => {
  const [number = 0, exitCode = 0] = line.split(' ').map(Number);
  waiting.get(number)?.(exitCode);
});

/** As `run` of the lab, which see; commands may run side by side. Killed after `timeoutMs`, with the exit code 124. */
export async function run(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { input = '', timeoutMs = 120_000 } = options;
  commands += 1;
  const number = commands;
  const [from, stdout, stderr] = ['in', 'out', 'err'].map((name) => `/tmp/command-${number}.${name}`) as [
    string,
    string,
    string,
  ];
  writeFileSync(from, input);
  const words = ['timeout', String(timeoutMs / 1000), command, ...args].map(quoted).join(' ');
  const exitCode = await new Promise<number>((resolve) => {
    waiting.set(number, resolve);
    shell.stdin.write(`{ ${words} <${from} >${stdout} 2>${stderr}; echo ${number} $?; } &\n`);
  });
  waiting.delete(number);
  const result = { stdout: readFileSync(stdout, 'utf8'), stderr: readFileSync(stderr, 'utf8'), exitCode };
  for (const file of [from, stdout, stderr]) rmSync(file);
  return result;
}

/** Like `run`, for what must succeed: returns stdout, throws with stderr otherwise. */
export async function mustRun(command: string, args: readonly string[], options?: CommandOptions): Promise<string> {
  const { stdout, stderr, exitCode } = await run(command, args, options);
  if (exitCode !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${exitCode}: ${stderr}${stdout}`);
  return stdout;
}

/** `key` in slashes, below /proc/sys. */
export function sysctl(key: string): string {
  return readFileSync(`/proc/sys/${key}`, 'utf8').trim();
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
