/** What xenstore says of all domains' network links, for people: nodes with their values and permissions. */
import { backendFolder } from '../directories/xenstore/domain.ts';
import { unlessMissing } from '../directories/xenstore/trust.ts';
import {
  type Access,
  below,
  type Permissions,
  path,
  type Store,
  XenstoreClient,
  type XenstorePath,
} from '../xenstore/index.ts';

export interface XenstoreNode {
  readonly path: XenstorePath;
  readonly value: string;
  readonly permissions: Permissions;
}

/** A link has about 40 nodes: this is some 500 links. No guest may have more than 1000 (xenstored's quota). */
export const maxNodes = 20_000;
const letters: Readonly<Record<Access, string>> = { none: 'n', read: 'r', write: 'w', both: 'b' };

/** At most `maxNodes`. `paths`: where xenstored may be; the first that is there. Rejects where there is none. */
export async function readVifNodes(paths: readonly string[]): Promise<XenstoreNode[]> {
  const client = new XenstoreClient({ paths });
  try {
    await client.start();
    if (client.state.kind === 'disconnected') throw client.state.error;
    const nodes: XenstoreNode[] = [];
    await readBelow(client, backendFolder, nodes);
    const domains = (await unlessMissing(client.directory(path('/local/domain')))) ?? [];
    for (const domain of domains) {
      if (!/^\d+$/.test(domain)) continue;
      const folder = path(`/local/domain/${domain}`);
      await readNode(client, below(folder, 'name'), nodes);
      await readBelow(client, below(folder, 'device', 'vif'), nodes);
      await readBelow(client, below(folder, 'krata', 'network'), nodes);
    }
    return nodes;
  } finally {
    client.close();
  }
}

/** `PATH = "VALUE"  (PERMISSIONS)`, as `xenstore-ls -fp` prints them: the owner first, with what everybody else may. */
export function nodeLine({ path, value, permissions: { owner, others, entries } }: XenstoreNode): string {
  const access = entries.map(({ domid, access }) => `${letters[access]}${domid}`);
  return `${path} = ${JSON.stringify(value)}  (${[`${letters[others]}${owner}`, ...access].join(',')})`;
}

async function readBelow(store: Store, folder: XenstorePath, nodes: XenstoreNode[]): Promise<void> {
  if (!(await readNode(store, folder, nodes))) return;
  for (const name of (await unlessMissing(store.directory(folder))) ?? [])
    await readBelow(store, below(folder, name), nodes);
}

/** False where there is no such node, or no room for it. */
async function readNode(store: Store, node: XenstorePath, nodes: XenstoreNode[]): Promise<boolean> {
  if (nodes.length >= maxNodes) return false;
  const [value, permissions] = await Promise.all([
    unlessMissing(store.readBytes(node)),
    unlessMissing(store.permissions(node)),
  ]);
  if (value === undefined || permissions === undefined) return false;
  nodes.push({ path: node, value: value.toString('utf8'), permissions });
  return true;
}
