/** As many bytes by one TCP connection as it bears. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Namespace } from './namespace.ts';
import { repository } from './program.ts';

const node = join(repository, 'node_modules/.bin/node');
const program = join(import.meta.dirname, 'bulk-program.ts');
const moved = z.object({ bytes: z.number(), seconds: z.number() });
export type Moved = z.infer<typeof moved>;

/** Listening on return, in both families. */
export async function startBulkServer(where: Namespace, port: number): Promise<void> {
  const server = where.spawn(node, [program, 'serve', String(port)]);
  await server.waitForLine((line) => line === 'listening', { what: 'the server to listen', deadlineMs: 30_000 });
}

/** Resolves when the other end has all of `bytes`, or this one. Throws where the connection breaks. */
export async function move(
  how: 'upload' | 'download',
  from: Namespace,
  address: string,
  port: number,
  bytes: number,
): Promise<Moved> {
  const text = await from.mustExec(node, [program, how, address, String(port), String(bytes)]);
  return moved.parse(JSON.parse(text));
}
