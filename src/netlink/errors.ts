/** The errors of this library. */
import { constants } from 'node:os';

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name] as const));
/** Two names, one number. */
names.set(constants.errno.EAGAIN, 'EAGAIN');
names.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

/** The kernel refused, or the socket could not be used. `code` is the errno's name, as in `EEXIST`. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }

  /** `explanation`: the kernel's own words (NLMSGERR_ATTR_MSG), where it has any. */
  static of(errno: number, what: string, explanation?: string): NetlinkError {
    const code = names.get(errno) ?? `errno ${errno}`;
    return new NetlinkError(code, `${what}: ${code}${explanation === undefined ? '' : `, ${explanation}`}`);
  }

  static is(error: unknown, ...codes: string[]): error is NetlinkError {
    return error instanceof NetlinkError && codes.includes(error.code);
  }
}

/** Bytes that are no message, or a message that lacks what each of its kind has. */
export class GarbledMessage extends Error {
  override readonly name = 'GarbledMessage';
}
