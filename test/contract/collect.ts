/** The events of a host as they come. */
import type { Host, HostEvent } from '../../src/host/port.ts';
import { eventually } from './case.ts';

export interface Collected {
  readonly seen: HostEvent[];
  find(what: string, wanted: (event: HostEvent) => boolean): Promise<HostEvent>;
}

export async function collect(host: Host): Promise<Collected> {
  const seen: HostEvent[] = [];
  await host.watch((event) => seen.push(event));
  return {
    seen,
    find: (what, wanted) =>
      eventually(
        what,
        () => seen.find(wanted),
        () => seen,
      ),
  };
}

export function isLink(event: HostEvent, ifindex: number, name: string): event is HostEvent & { kind: 'link' } {
  return event.kind === 'link' && event.link.ifindex === ifindex && event.link.name === name;
}

export function same(event: HostEvent, wanted: HostEvent): boolean {
  const sorted = (value: HostEvent) => JSON.stringify(Object.entries(value).sort());
  return sorted(event) === sorted(wanted);
}
