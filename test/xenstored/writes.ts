/** The store's verbs that write, which the daemon has no use for. */
import { encodeStrings } from '../../src/xenstore/body.ts';
import { MessageType } from '../../src/xenstore/frame.ts';
import type { Permissions, Store, XenstorePath } from '../../src/xenstore/index.ts';

type Sender = Pick<Store, 'send'>;

/** Makes the node and its parents where they are missing. */
export async function write(store: Sender, path: XenstorePath, value: string | Uint8Array): Promise<void> {
  const body = Buffer.concat([encodeStrings(path), Buffer.from(value)]);
  await store.send(MessageType.write, `WRITE ${path}`, body);
}

/** Succeeds where the node is there already. */
export async function mkdir(store: Sender, path: XenstorePath): Promise<void> {
  await store.send(MessageType.mkdir, `MKDIR ${path}`, encodeStrings(path));
}

/** Removes the node and everything below it; succeeds where it is not there, if its parent is. */
export async function remove(store: Sender, path: XenstorePath): Promise<void> {
  await store.send(MessageType.remove, `RM ${path}`, encodeStrings(path));
}

export async function setPermissions(store: Sender, path: XenstorePath, permissions: Permissions): Promise<void> {
  const body = encodeStrings(path, ...encodePermissions(permissions));
  await store.send(MessageType.setPermissions, `SET_PERMS ${path}`, body);
}

const letters = { none: 'n', read: 'r', write: 'w', both: 'b' } as const;

export function encodePermissions({ owner, others, entries }: Permissions): string[] {
  return [{ domid: owner, access: others }, ...entries].map(({ domid, access }) => `${letters[access]}${domid}`);
}
