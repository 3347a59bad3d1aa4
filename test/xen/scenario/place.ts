/** dom0 itself, and an internet in a network namespace behind a veth of dom0's. */
import { z } from 'zod';
import type { LongRunning } from '../../lab/command.ts';
import { Namespace, sysctlLine } from '../../lab/namespace.ts';
import { farIndex, hostLines, internetLines, withoutDad } from '../../lab/topology.ts';
import { mustRun } from './shell.ts';
import { patience } from './zone.ts';

const sighting = z.object({
  at: z.number(),
  kind: z.enum(['listening', 'tcp', 'udp', 'data', 'late']),
  port: z.number().optional(),
  peer: z.string().optional(),
  text: z.string().optional(),
});
/** `at` in Unix milliseconds, which all of dom0 shares. */
export type Sighting = z.infer<typeof sighting>;

export interface Place {
  /** The machine's own network namespace, under a name. */
  readonly dom0: Namespace;
  readonly internet: Namespace;
  /** What the outside has seen; grows. */
  readonly sightings: readonly Sighting[];
}

export async function makePlace(program: string): Promise<Place> {
  const [dom0, internet] = [new Namespace('dom0'), new Namespace('internet')];
  await mustRun('ip', ['netns', 'attach', dom0.name, '1']);
  const wires = [
    `netns add ${internet.name}`,
    `link add eth0 ${farIndex} netns ${internet.name} type veth peer name uplink0`,
    sysctlLine(dom0.name, withoutDad('uplink0')),
    sysctlLine(internet.name, withoutDad('eth0')),
  ];
  await mustRun('ip', ['-batch', '-'], { input: `${wires.join('\n')}\n` });
  await dom0.ip(...hostLines({}));
  await internet.ip(...internetLines({ routeBack: true }));
  // As a network card without offloading: what leaves dom0 carries real checksums, which the other end verifies.
  await mustRun('ethtool', ['-K', 'uplink0', 'tx', 'off']);
  const sightings: Sighting[] = [];
  const server = internet.spawn(process.execPath, [program], (line) =>
    sightings.push(sighting.parse(JSON.parse(line))),
  );
  await listening(server);
  return { dom0, internet, sightings };
}

async function listening(server: LongRunning): Promise<void> {
  await server.waitForLine((line) => line.includes('listening'), patience);
}
