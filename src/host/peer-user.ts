/** Which user is at the other end of a Unix socket of Node's, and which number a user has (passwd(5)). */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { z } from 'zod';
import { NetlinkError, peerOf } from '../netlink/index.ts';

/** Node tells the descriptor of its pipes nowhere else. */
const pipeSchema = z.object({ _handle: z.object({ fd: z.int().min(0) }) });

/** By the kernel's word (SO_PEERCRED); undefined where it cannot be told. */
export function peerUser(socket: Socket): number | undefined {
  const descriptor = pipeSchema.safeParse(socket).data?._handle.fd;
  try {
    return descriptor === undefined ? undefined : peerOf(descriptor).user;
  } catch (error) {
    if (error instanceof NetlinkError) return undefined;
    throw error;
  }
}

/** Undefined where /etc/passwd has none of that name. */
export function userNumber(name: string): number | undefined {
  let text: string;
  try {
    text = readFileSync('/etc/passwd', 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
  const line = text.split('\n').find((each) => each.startsWith(`${name}:`));
  const number = Number(line?.split(':')[2]);
  return Number.isSafeInteger(number) ? number : undefined;
}
