/** What `xl` writes for a domain with one network device, with the permissions it gives (see docs/misc/xenstore-paths). */
import { below, type Permissions, path, type XenstoreClient, type XenstorePath } from '../../src/xenstore/index.ts';
import { mkdir, setPermissions, write } from './writes.ts';

export function readableBy(domid: number): Permissions {
  return { owner: 0, others: 'none', entries: [{ domid, access: 'read' }] };
}

export function backendOf(domid: number, device = 0): XenstorePath {
  return path(`/local/domain/0/backend/vif/${domid}/${device}`);
}

export function ipNodeOf(domid: number, device = 0): XenstorePath {
  return below(backendOf(domid, device), 'ip');
}

/** The domain's own folder with its name. */
export async function createDomain(client: XenstoreClient, domid: number, name: string): Promise<void> {
  const folder = path(`/local/domain/${domid}`);
  await client.transaction(async (store) => {
    await mkdir(store, folder);
    await setPermissions(store, folder, readableBy(domid));
    await write(store, below(folder, 'name'), name);
    return { end: 'commit', value: undefined };
  });
}

/** The backend's folder, in one transaction as libxl does it; without `ip` where it is undefined. */
export async function attachDevice(client: XenstoreClient, domid: number, device: number, ip?: string): Promise<void> {
  const folder = backendOf(domid, device);
  await client.transaction(async (store) => {
    await mkdir(store, folder);
    await setPermissions(store, folder, readableBy(domid));
    await write(store, below(folder, 'frontend-id'), String(domid));
    await write(store, below(folder, 'state'), '1');
    if (ip !== undefined) await write(store, below(folder, 'ip'), ip);
    return { end: 'commit', value: undefined };
  });
}
