/** Every target by name, and how many of a run's inputs it gets. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Target, TargetMaker } from './target.ts';
import { addresses, commandLine } from './targets/command-line.ts';
import { configFiles, daemonToml, settings, staticZone } from './targets/config.ts';
import { controlApiServer, controlApiZones } from './targets/control-api.ts';
import { controlRequests } from './targets/control-socket.ts';
import { netlinkMessages } from './targets/netlink.ts';
import { nftListing } from './targets/tools.ts';
import { xenstoreBodies, xenstoreFrames } from './targets/xenstore.ts';
import { xenstoreServer } from './targets/xenstore-server.ts';

/** Shares are in thousandths: by what an input costs and by how far the sender is from being trusted. */
export const targets: Readonly<Record<string, { readonly share: number; readonly make: TargetMaker }>> = {
  'daemon-toml': { share: 90, make: daemonToml },
  settings: { share: 50, make: settings },
  'config-files': { share: 10, make: configFiles },
  'static-zone': { share: 70, make: staticZone },
  'xenstore-frames': { share: 120, make: xenstoreFrames },
  'xenstore-bodies': { share: 130, make: xenstoreBodies },
  'xenstore-server': { share: 6, make: xenstoreServer },
  'control-api-zones': { share: 110, make: controlApiZones },
  'control-api-server': { share: 2, make: controlApiServer },
  'nft-listing': { share: 50, make: nftListing },
  'netlink-messages': { share: 230, make: netlinkMessages },
  'control-requests': { share: 12, make: controlRequests },
  'command-line': { share: 60, make: commandLine },
  addresses: { share: 60, make: addresses },
};

const here = import.meta.dirname;

/** What the target's inputs are made from: its own seeds, `corpus/NAME`, and what was ever found. */
export function corpusOf(target: Target): Buffer[] {
  const seeds = (target.seeds ?? []).map((seed) => Buffer.from(seed));
  return [...seeds, ...filesIn(join(here, 'corpus', target.name)), ...filesIn(join(here, 'found', target.name))];
}

/** Inputs that once broke something. */
export function foundFor(name: string): { name: string; input: Buffer }[] {
  const directory = join(here, 'found', name);
  return namesIn(directory).map((file) => ({ name: file, input: readFileSync(join(directory, file)) }));
}

export const foundDirectory = join(here, 'found');

function filesIn(directory: string): Buffer[] {
  return namesIn(directory).map((name) => readFileSync(join(directory, name)));
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
