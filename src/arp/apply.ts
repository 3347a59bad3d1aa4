/** Writes sysctls. */
import type { Sysctl } from '../host/port.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import type { SysctlChange } from './model.ts';

export interface FailedSysctl {
  readonly change: SysctlChange;
  readonly error: ProtectNetworkError;
}

/** Writes all that can be written and returns the rest: the caller must not bring up a link that is among them. */
export function applySysctls(sysctl: Sysctl, changes: readonly SysctlChange[]): FailedSysctl[] {
  return changes.flatMap((change) => {
    try {
      sysctl.write(change.path, change.value);
      return [];
    } catch (error) {
      if (error instanceof ProtectNetworkError) return [{ change, error }];
      throw error;
    }
  });
}
