/** Where a capture goes: a file that was not there before, or a pipe. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CapturedPacket } from '../capture/pcap.ts';
import { fileHeader, packetBlock } from '../capture/pcapng.ts';
import { errnoOf, messageOf, ProtectNetworkError } from '../model/errors.ts';
import type { LinkName } from '../model/link-name.ts';
import { version } from './version.ts';

/** As the interfaces stand in the file. */
const sides = ['link', 'dropped'] as const;
type Side = (typeof sides)[number];

export interface Output {
  readonly name: string;
  /** False where it does not fit any more. */
  write(side: Side, packet: CapturedPacket, comment?: string): boolean;
  close(): void;
  /** Nothing is left of a capture that failed. */
  discard(): void;
}

export interface OutputOptions {
  /** A file that is not there yet, or `-`; undefined: one in the current directory. */
  readonly write: string | undefined;
  /** Of the file, at most. */
  readonly bytes: number;
}

/** `ended` is called once no packet fits any more, or nobody reads. Throws `exists`, `usage`, `permission` or `refused`. */
export function openOutput(link: LinkName, { write, bytes }: OutputOptions, ended: () => void): Output {
  const isStandard = write === '-';
  if (isStandard && process.stdout.isTTY)
    throw new ProtectNetworkError('usage', '--write - is for a pipe, such as | wireshark -k -i -');
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const path = resolve(write ?? `protect-network-capture-${link}-${time}.pcapng`);
  const file = isStandard ? undefined : createFile(path);
  if (isStandard) process.stdout.once('error', ended);
  let room = bytes;
  const put = (block: Buffer) => {
    room -= block.length;
    if (room < 0) ended();
    else if (file === undefined) process.stdout.write(block);
    else for (let written = 0; written < block.length; ) written += writeSync(file, block, written);
    return room >= 0;
  };
  const name = isStandard ? 'standard output' : path;
  put(
    fileHeader(`protect-network ${version}`, [
      { name: link, description: 'what arrives at the link and leaves by it' },
      { name: 'dropped', description: `headers of what this host dropped of it; who did is each packet's comment` },
    ]),
  );
  return {
    name,
    write: (side, packet, comment) => whole(name, () => put(packetBlock(sides.indexOf(side), packet, comment))),
    close: () => (file === undefined ? undefined : closeSync(file)),
    discard: () => (isStandard ? undefined : rmSync(path, { force: true })),
  };
}

function createFile(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST')
      throw new ProtectNetworkError('exists', `${path} exists; it is not overwritten`, { cause });
    throw new ProtectNetworkError(errnoOf(cause) === 'EACCES' ? 'permission' : 'refused', messageOf(cause), { cause });
  }
}

function whole(name: string, put: () => boolean): boolean {
  try {
    return put();
  } catch (cause) {
    throw new ProtectNetworkError('refused', `${name} cannot be written: ${messageOf(cause)}`, { cause });
  }
}
