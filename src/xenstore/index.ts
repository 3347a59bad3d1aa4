export type { Access, PermissionEntry, Permissions } from './body.ts';
export { type ClientOptions, type ClientState, type Watch, XenstoreClient } from './client.ts';
export { hasErrno, XenstoreError } from './errors.ts';
export { below, parsePath, path, type WatchPath, type XenstorePath } from './path.ts';
export type { Store } from './store.ts';
export type { Ending } from './transaction.ts';
