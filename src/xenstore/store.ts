/** The store's verbs that read, inside one transaction or outside any. */
import {
  type DirectoryPart,
  decodeDirectoryPart,
  decodePermissions,
  decodeStrings,
  decodeText,
  encodeStrings,
  type Permissions,
} from './body.ts';
import { garbled, hasErrno, refusal } from './errors.ts';
import { MessageType } from './frame.ts';
import type { XenstorePath } from './path.ts';

/** Sends one request and gives the answer's body; see `Connection.request`. */
export type Request = (type: MessageType, what: string, body: Buffer, transactionId?: number) => Promise<Buffer>;

/** How often a directory that changes while it is read in parts is begun again. */
const maxRestarts = 20;
/** The most a directory's names may take: 32752 domains need a quarter of it. */
const maxDirectoryBytes = 1024 * 1024;

/** Every verb rejects with XenstoreError; `hasErrno(error, 'ENOENT')` tells a missing node. */
export class Store {
  readonly #request: Request;
  readonly #transactionId: number;

  constructor(request: Request, transactionId = 0) {
    this.#request = request;
    this.#transactionId = transactionId;
  }

  /** A node's value, which may be any bytes. */
  readBytes(path: XenstorePath): Promise<Buffer> {
    return this.send(MessageType.read, `READ ${path}`, encodeStrings(path));
  }

  /** A node's value; rejects with `garbled` where it is not UTF-8. */
  async read(path: XenstorePath): Promise<string> {
    return decodeText(await this.readBytes(path));
  }

  /** The names of a node's children, however many; unordered. `EAGAIN` where they never stay still for long enough. */
  async directory(path: XenstorePath): Promise<string[]> {
    try {
      return decodeStrings(await this.send(MessageType.directory, `DIRECTORY ${path}`, encodeStrings(path)));
    } catch (error) {
      if (!hasErrno(error, 'E2BIG')) throw error;
      return await this.#directoryInParts(path);
    }
  }

  async permissions(path: XenstorePath): Promise<Permissions> {
    return decodePermissions(await this.send(MessageType.getPermissions, `GET_PERMS ${path}`, encodeStrings(path)));
  }

  /** Parts carry the directory's generation: when it changes between two of them, the names read so far are worth nothing. */
  async #directoryInParts(path: XenstorePath): Promise<string[]> {
    for (let attempt = 0; attempt < maxRestarts; attempt += 1) {
      const names = await this.#partsOfOneGeneration(path);
      if (names !== undefined) return names;
    }
    throw refusal(`DIRECTORY_PART ${path}, begun ${maxRestarts} times`, 'EAGAIN');
  }

  async #partsOfOneGeneration(path: XenstorePath): Promise<string[] | undefined> {
    const names: string[] = [];
    let generation: string | undefined;
    for (let offset = 0; offset <= maxDirectoryBytes; ) {
      const part = await this.#part(path, offset, generation);
      if (part === undefined) return undefined;
      names.push(...part.names);
      if (part.last) return names;
      generation = part.generation;
      offset += part.bytes;
    }
    throw garbled(`the directory ${path} takes more than ${maxDirectoryBytes} bytes`);
  }

  async #part(path: XenstorePath, offset: number, generation: string | undefined): Promise<DirectoryPart | undefined> {
    const what = `DIRECTORY_PART ${path}`;
    try {
      const body = await this.send(MessageType.directoryPart, what, encodeStrings(path, String(offset)));
      return decodeDirectoryPart(body, generation);
    } catch (error) {
      // An offset behind the end of a directory that has shrunk.
      if (offset > 0 && hasErrno(error, 'EINVAL')) return undefined;
      throw error;
    }
  }

  /** Any request; `what` is it in words. */
  send(type: MessageType, what: string, body: Buffer): Promise<Buffer> {
    return this.#request(type, what, body, this.#transactionId);
  }
}
