/** The byte stream to xenstored: its Unix socket, or the kernel's device where xenstored lives elsewhere. */
import { stat } from 'node:fs/promises';
import { errnoOf } from '../model/errors.ts';
import { openDevice } from './device-transport.ts';
import { XenstoreError } from './errors.ts';
import { openSocket } from './socket-transport.ts';
import type { Transport, TransportListener } from './transport.ts';

/**
 * Opens the first of `paths` that is there; `path` in the answer says which. Throws `vanished` where none is, and
 * `unreachable` where the first that is there does not open. A device without a store behind it (ENOENT, ENODEV and
 * ENXIO from open) counts as not there: some kernels have the node and no Xen.
 */
export async function openTransport(
  paths: readonly string[],
  listener: TransportListener,
): Promise<{ transport: Transport; path: string }> {
  for (const path of paths) {
    try {
      return { transport: await open(path, listener), path };
    } catch (cause) {
      if (['ENOENT', 'ENOTDIR', 'ENODEV', 'ENXIO'].includes(errnoOf(cause) ?? '')) continue;
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw new XenstoreError('unreachable', `cannot open ${path}: ${detail}`, { cause });
    }
  }
  throw new XenstoreError('vanished', `there is no ${paths.join(', no ')}`);
}

async function open(path: string, listener: TransportListener): Promise<Transport> {
  const stats = await stat(path);
  if (stats.isSocket()) return openSocket(path, listener);
  if (stats.isCharacterDevice()) return openDevice(path, listener);
  throw new XenstoreError('unreachable', `${path} is neither a socket nor a device`);
}
