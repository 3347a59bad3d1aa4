/** The daemon's settings and policies, for commands that say what it does with them. */
import type { ConfigPaths } from '../config/config.ts';
import { hasCode, ProtectNetworkError } from '../model/errors.ts';
import { type DaemonConfig, loadDaemonConfig } from '../policy/daemon-config.ts';

/** What the daemon would read now. Throws what is wrong with it, and what a daemon does meanwhile. */
export async function readDaemonFiles(paths: ConfigPaths): Promise<DaemonConfig> {
  try {
    return await loadDaemonConfig(paths);
  } catch (error) {
    if (!hasCode(error, 'config-invalid', 'config-unreadable', 'permission')) throw error;
    const meanwhile = 'a daemon that runs keeps what it has read before; one that starts refuses';
    throw new ProtectNetworkError(error.code, `${error.message}\n${meanwhile}`, { cause: error });
  }
}
