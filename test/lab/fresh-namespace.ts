/** Network namespaces that are alike on every machine. */
import { join } from 'node:path';

const defaults = join(import.meta.dirname, 'kernel-defaults.conf');

/** Lines of a batch that runs in the machine's own namespace. Every network namespace of the tests is made by them. */
export function freshNamespaceLines(name: string): string[] {
  return [`netns add ${name}`, `netns exec ${name} sysctl -q -p ${defaults}`];
}
