/**
 * Transactions by a process of nft's. It reads a file: `-` is /dev/stdin, which it opens anew, and Node's pipes are sockets,
 * which nobody can open. In memory, a full disk keeps no zone waiting.
 */
import { closeSync, writeSync } from 'node:fs';
import { memoryFile } from '../netlink/index.ts';
import { refusal } from './classify.ts';
import { commandJson, type NftCommand } from './nft-command.ts';
import type { RunOptions, RunResult, Tools } from './tools.ts';

/** 20,000 links' rules load in 9 s on two cores; ten times that means hung. The watchdog's limit is above it. */
const timeoutMs = 90_000;

/** `started` is told the process's id before it can have done anything. Throws what nft says. */
export async function transactByTool(
  tools: Tools,
  commands: readonly NftCommand[],
  started: (pid: number) => void,
): Promise<void> {
  const { exitCode, stderr } = await run(tools, [], commands, { started, timeoutMs });
  if (exitCode !== 0) throw refusal(`nft transaction of ${commands.length} commands`, stderr);
}

/** In nft's words, why the kernel or nft would refuse them. Changes nothing. Throws `permission` and `kernel-unsupported`. */
export async function refusalOf(tools: Tools, commands: readonly NftCommand[]): Promise<string | undefined> {
  const { exitCode, stderr } = await run(tools, ['--check'], commands);
  if (exitCode === 0) return undefined;
  const error = refusal('nft --check', stderr);
  if (error.code === 'permission' || error.code === 'kernel-unsupported') throw error;
  return error.message;
}

async function run(
  tools: Tools,
  options: readonly string[],
  commands: readonly NftCommand[],
  how: RunOptions = {},
): Promise<RunResult> {
  const file = memoryFile('nft transaction');
  try {
    fill(file, JSON.stringify({ nftables: commands.map(commandJson) }));
    return await tools.run('nft', ['--json', ...options, '--file', '-'], { ...how, stdin: file });
  } finally {
    closeSync(file);
  }
}

/** By place, so that the file stands at its beginning: nft 1.1 reads from where it stands. */
function fill(file: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written, bytes.length - written, written);
}
