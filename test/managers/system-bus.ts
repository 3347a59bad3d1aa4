/** A D-Bus system bus of a world's own. Everybody in it is root, so it asks nobody for permission. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../lab/wait-for.ts';
import type { World } from '../lab/world.ts';
import type { Unpacked } from './packages.ts';

/** Returns its address, for DBUS_SYSTEM_BUS_ADDRESS. It ends with the world. */
export async function startSystemBus(world: World, { program, environment }: Unpacked): Promise<string> {
  const socket = join(world.files.directory, 'bus');
  const config = join(world.files.directory, 'bus.conf');
  await writeFile(config, busConfig(socket));
  const args = [...environment, program('/usr/bin/dbus-daemon'), `--config-file=${config}`, '--nofork', '--nopidfile'];
  const bus = world.host.spawn('env', args);
  await waitFor(() => existsSync(socket) || !bus.running, { what: 'the system bus', deadlineMs: 30_000 });
  if (!bus.running) throw new Error(`dbus-daemon ended: ${bus.stderr.join('\n')}`);
  return `unix:path=${socket}`;
}

function busConfig(socket: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="root"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>
</busconfig>
`;
}
