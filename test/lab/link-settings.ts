/** Prints each link event with what the link accepts then: `vif7.0 up accept_ra 0`. Begins with `listening`. */
import { EventSocket, protocol, readLink, routeGroup } from '../../src/netlink/index.ts';

new EventSocket(protocol.route, [routeGroup.link], {
  heard: (message) => {
    const link = readLink(message);
    if (link === undefined) return;
    console.log(`${link.name} ${link.isUp ? 'up' : 'down'} accept_ra ${link.ipv6?.('accept_ra')}`);
  },
  lost: (reason) => console.log(`lost: ${reason}`),
});
console.log('listening');
setInterval(() => undefined, 60_000);
