/** A directory on a socket in a temporary folder of its own, and waiting for what it should come to say. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { ControlApiDirectory } from '../../../../src/directories/control-api/directory.ts';
import type { DirectorySnapshot } from '../../../../src/directories/zone-directory.ts';
import { type LinkName, parseLinkName } from '../../../../src/model/link-name.ts';
import { ControlApiServer, type Flavour } from '../../../control-api/server.ts';

export interface Harness {
  readonly folder: string;
  readonly path: string;
  readonly directory: ControlApiDirectory;
  /** The host's links as the directory is told; replace its content and call `linksChanged`. */
  readonly links: LinkName[];
  /** A server on the directory's path, not started. Killed when the test ends. */
  server(flavour?: Flavour, path?: string): ControlApiServer;
  /** Waits until the snapshot fulfils `condition`; fails with the last snapshot after `deadline` milliseconds. */
  until(condition: (snapshot: DirectorySnapshot) => boolean, deadline?: number): Promise<DirectorySnapshot>;
}

export function harness(): Harness {
  const folder = mkdtempSync(join(tmpdir(), 'control-api-'));
  const path = join(folder, 'daemon.socket');
  const links: LinkName[] = [];
  const target = `unix://${path}`;
  const fallbackTarget = `unix://${join(folder, 'krata', 'daemon.socket')}`;
  const directory = new ControlApiDirectory({ target, fallbackTarget, links: () => links });
  const servers: ControlApiServer[] = [];
  onTestFinished(async () => {
    try {
      await directory.stop();
    } finally {
      for (const server of servers) server.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });
  return {
    folder,
    path,
    directory,
    links,
    server: (flavour = 'edera', at = path) => {
      const server = new ControlApiServer(at, flavour);
      servers.push(server);
      return server;
    },
    until: (condition, deadline = 20_000) => until(directory, condition, deadline),
  };
}

async function until(
  directory: ControlApiDirectory,
  condition: (snapshot: DirectorySnapshot) => boolean,
  deadline: number,
): Promise<DirectorySnapshot> {
  const end = performance.now() + deadline;
  for (;;) {
    const snapshot = directory.snapshot();
    if (condition(snapshot)) return snapshot;
    if (performance.now() > end) throw new Error(`not within ${deadline} ms: ${JSON.stringify(snapshot)}`);
    await sleep(2);
  }
}

/** `vif1.0 10.75.0.3,… name origin` per entry. */
export function lines(snapshot: DirectorySnapshot): string[] {
  return usable(snapshot).map(({ link, addresses, name, origin }) => `${link} ${addresses} ${name} ${origin}`);
}

export function served(snapshot: DirectorySnapshot): string[] {
  return usable(snapshot).map(({ link, addresses }) => `${link} ${addresses}`);
}

export function link(text: string): LinkName {
  const parsed = parseLinkName(text);
  if (parsed === undefined) throw new TypeError(text);
  return parsed;
}

export const ignore = (): void => undefined;

function usable({ entries }: DirectorySnapshot) {
  return entries.filter(({ unusable }) => unusable === undefined);
}
