import type { FakeHost } from '../fake/kernel.ts';
import type { World } from './case.ts';

/** The world around a fake host: others act on the same little kernel. */
export function fakeWorld(host: FakeHost): World {
  return {
    addLink: async (name) => host.addLink(name),
    addBridge: async (name) => host.addLink(name, { kind: 'bridge' }),
    addMacvlan: async (name, lower) => host.addLink(name, { kind: 'macvlan', lower }),
    setMaster: async (name, bridge) => host.setLink(name, { master: bridge ?? null }),
    deleteLink: async (name) => host.deleteLink(name),
    setLink: async (name, state) => host.setLink(name, { up: state === 'up' }),
    renameLink: async (from, to) => host.renameLink(from, to),
    addRoute: async (destination, device, protocol = 'static') =>
      host.foreignRoute({ family: destination.includes(':') ? 'ipv6' : 'ipv4', destination, device, protocol }),
    addHole: async (type, destination) =>
      host.foreignRoute({
        family: destination.includes(':') ? 'ipv6' : 'ipv4',
        destination,
        type: type === 'unreachable' ? type : 'other',
        protocol: '75',
      }),
    // What the kernel tells of these, or what iproute2 makes of them, is none of the fake's.
    visitBridge: async () => undefined,
    leaveStrayFile: async () => undefined,
    nameProtocol: async () => undefined,
    addDefaultRoute: async (family, device) => host.foreignRoute({ family, destination: 'default', device }),
    routes: async (family) => {
      const routes = host.render().matchAll(/^route (?!local )(\S+ dev .*)$/gm);
      return [...routes].map(([, route = '']) => route).filter((route) => route.includes(':') === (family === 'ipv6'));
    },
    setQdisc: async (name, to) => host.foreignQdisc(name, to === 'none' ? undefined : 'htb 1:'),
    addProxy: async (address, device) => host.foreignProxy(address, device),
    nft: async (commands) => {
      host.foreignNft(commands);
    },
    addFlow: async (flow) => host.addFlow(flow),
    flows: async () =>
      host.conntrack
        .flows()
        .map(({ src, dst }) => `${src} > ${dst}`)
        .sort(),
  };
}
