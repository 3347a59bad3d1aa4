/** Linux netlink for Node, by node:ffi: links, routes, neighbours, nftables, conntrack, and Unix datagrams. */
export * from './conntrack.ts';
export * from './datagram.ts';
export * from './errors.ts';
export * from './events.ts';
export { addressBytes, addressText } from './ip.ts';
export { memoryFile } from './libc.ts';
export * from './link.ts';
export * from './neighbour.ts';
export * from './nft-events.ts';
export { accept, counter, type Expression, interfaceIs } from './nft-expressions.ts';
export {
  type Counter,
  elementKey,
  isKeyPart,
  type KeyPart,
  linkOfKey,
  type NftChange,
  type NftFamilyName,
  NftSocket,
  partsOfKey,
  type RuleAt,
  type SetAt,
} from './nftables.ts';
export { protocol, routeGroup } from './protocol.ts';
export type { Message } from './reader.ts';
export * from './route.ts';
export * from './rule.ts';
export { selfTest } from './self-test.ts';
export { type Request, RequestSocket } from './socket.ts';
export { listenerAt, type UnixPeer } from './unix.ts';
