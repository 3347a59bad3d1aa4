/** The program as people start it, in a place of its own. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { programPath } from '../../lab/daemon.ts';

export const program = programPath;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it to its end. A hanging one is killed with the test. */
export async function run(...args: readonly string[]): Promise<Outcome> {
  const child = start(...args);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}

/** No environment at all: none of it may be needed. */
export function start(...args: readonly string[]) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: {} });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

export interface Place {
  readonly directory: string;
  readonly config: string;
  readonly settings: string;
  readonly zones: string;
  /** Not there yet. */
  readonly policies: string;
  readonly socket: string;
  /** `--config` and `--settings` for it. */
  readonly options: readonly string[];
}

/** A directory with settings that keep everything inside it; goes away with its test. */
export function place(files: { config?: string; settings?: string } = {}): Place {
  const directory = mkdtempSync(join(tmpdir(), 'protect-network-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const config = join(directory, 'daemon.toml');
  const settings = join(directory, 'settings.toml');
  const zones = join(directory, 'zones.d');
  const policies = join(directory, 'policy.d');
  const socket = join(directory, 'control.sock');
  mkdirSync(zones, { mode: 0o755 });
  const own = `[zones]\nstatic-dir = "${zones}"\n[policy]\ndir = "${policies}"\n[control]\nsocket = "${socket}"\n`;
  writeFileSync(config, files.config ?? '[network.ipv4]\nsubnet = "10.75.0.0/16"\n', { mode: 0o644 });
  writeFileSync(settings, files.settings ?? own, { mode: 0o644 });
  return {
    directory,
    config,
    settings,
    zones,
    policies,
    socket,
    options: ['--config', config, '--settings', settings],
  };
}
