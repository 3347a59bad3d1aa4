import type { HostEvent } from '../host/port.ts';

/** The event in a few words, as the cause of a pass. */
export function describeEvent(event: HostEvent): string {
  switch (event.kind) {
    case 'link':
      return `link ${event.link.name} ${event.deleted ? 'went' : event.link.up ? 'is up' : 'is down'}`;
    case 'route':
      return `route ${event.destination} ${event.deleted ? 'was deleted' : 'was added'}`;
    case 'address':
      return 'an address on a zone link was deleted';
    case 'netconf':
      return `settings of ${event.link} (${event.family}) changed`;
    case 'nft': {
      const author = event.culprit === undefined ? 'somebody' : `${event.culprit.process} (${event.culprit.pid})`;
      return `${author} changed ${[...event.tables].join(', ')}`;
    }
    case 'own-rules':
      return 'our own rules';
    case 'lost':
      return event.reason;
  }
}

/** An event of `lo`, on which the gateways' routes stand. */
export function isLoopback(event: HostEvent): boolean {
  return event.kind === 'link' && event.link.name === 'lo';
}
