/** What must be true of a host before anything is begun, with one clear sentence for each that is not. */
import { hasCode, ProtectNetworkError } from '../model/errors.ts';
import type { Host } from './port.ts';

/** Throws `permission` without the right to change the network, `kernel-unsupported` without nf_tables, `tool-outdated` with an nft that is too old. */
export async function requireHost(host: Host): Promise<void> {
  try {
    // The cheapest of nft's listings: for `list tables` it reads every table's content, 85 ms with 1000 zones.
    await host.nft.forwardChains();
  } catch (error) {
    if (hasCode(error, 'permission')) {
      throw new ProtectNetworkError(
        'permission',
        'this needs root, or CAP_NET_ADMIN: the kernel refuses to show its rules',
        {
          cause: error,
        },
      );
    }
    if (hasCode(error, 'kernel-unsupported')) {
      throw new ProtectNetworkError(
        'kernel-unsupported',
        'this kernel has no nf_tables; load the module nf_tables or use a kernel with CONFIG_NF_TABLES',
        {
          cause: error,
        },
      );
    }
    throw error;
  }
}
