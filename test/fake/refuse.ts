import { ProtectNetworkError } from '../../src/model/errors.ts';

/** The kernel said no, in its own words. */
export function refused(message: string): ProtectNetworkError {
  return new ProtectNetworkError('refused', message);
}

export function vanished(what: string): ProtectNetworkError {
  return new ProtectNetworkError('vanished', `${what}: no such device`);
}
