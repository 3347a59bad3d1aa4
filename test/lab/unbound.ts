/** Debian's unbound with records of its own, in a namespace. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackResolvers } from '../managers/packages.ts';
import type { LongRunning } from './command.ts';
import type { Namespace } from './namespace.ts';
import { waitFor } from './wait-for.ts';

export interface UnboundOptions {
  /** Where its configuration is written. */
  readonly directory: string;
  readonly addresses: readonly string[];
  /** As in `local-data`. */
  readonly records: readonly string[];
  /** More lines of the section `server`. */
  readonly lines?: readonly string[];
}

/** Listens on return, on port 53. */
export async function startUnbound(place: Namespace, options: UnboundOptions): Promise<LongRunning> {
  const { environment, program } = await unpackResolvers();
  const file = join(options.directory, 'unbound.conf');
  await writeFile(file, configuration(options));
  const [library = ''] = environment;
  const unbound = place.spawn('env', [library, program('/usr/sbin/unbound'), '-d', '-c', file]);
  await untilBound(place, options.addresses);
  return unbound;
}

/** Until something listens at port 53 of all of them, by UDP. */
export async function untilBound(place: Namespace, addresses: readonly string[]): Promise<void> {
  const isBound = async () => {
    const { stdout } = await place.exec('ss', ['-H', '-uln', 'sport', '=', ':53']);
    return addresses.every((address) => stdout.includes(`${address}:53`) || stdout.includes(`[${address}]:53`));
  };
  await waitFor(isBound, { what: 'the resolver to listen', deadlineMs: 20_000, everyMs: 50 });
}

function configuration({ addresses, records, lines = [] }: UnboundOptions): string {
  const all = [
    ...addresses.map((address) => `interface: ${address}`),
    ...records.map((record) => `local-data: "${record}"`),
    ...lines,
  ];
  return `server:
  username: ""
  chroot: ""
  pidfile: ""
  directory: "/tmp"
  use-syslog: no
  do-daemonize: no
  module-config: "iterator"
  num-threads: 1
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  local-zone: "." static
${all.map((line) => `  ${line}\n`).join('')}remote-control:
  control-enable: no
`;
}
