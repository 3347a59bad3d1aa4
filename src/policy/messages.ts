/**
 * What the daemon and the forwarder of names say to each other: one line of JSON each, over a Unix socket that the daemon
 * listens at. The forwarder parses what zones send, and is believed nothing but which addresses a name has: the daemon
 * checks that a rule of the zone allows the name, and the addresses.
 */
import { z } from 'zod';
import { type Address, parseAddress } from '../model/address.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';

/** A line of the forwarder's beyond is no message. */
export const maxMessageBytes = 64 * 1024;
/** The same of the daemon's: all zones of a host, each with its rules about names. */
export const maxPolicyBytes = 64 * 1024 * 1024;
/** Addresses of one name and family in one message. */
export const maxLeasedAddresses = 64;
/** RFC 1035 2.3.4, without the last dot. */
export const maxNameLength = 253;

const address = z.string().transform((text, context): Address => {
  const parsed = parseAddress(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'is not an address' });
  return z.NEVER;
});
const link = z.string().transform((text, context): LinkName => {
  const parsed = parseLinkName(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'is not a link of a zone' });
  return z.NEVER;
});
/** In lower case, without the last dot; letters, digits, `-` and `_` in labels. */
const name = z
  .string()
  .max(maxNameLength)
  .regex(/^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/);

const nameRule = z.object({ pattern: z.string(), isPrivate: z.boolean() });

/** A policed zone as the forwarder needs it: who asks is known by the source address, which the guard has checked. */
export const zoneMessage = z.object({
  link,
  name: z.string().optional(),
  addresses: z.array(address),
  mode: z.enum(['enforce', 'audit']),
  /** In audit mode every name is asked for, and what no rule allows is reported. */
  allow: z.array(nameRule),
  deny: z.array(z.string()),
});
export type ZoneMessage = z.infer<typeof zoneMessage>;

/** From the daemon. The first is `policy`; `zones` changes what that said. */
export const daemonMessage = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('policy'),
    zones: z.array(zoneMessage),
    /** The gateways' addresses, and the port on them to which port 53 of policed zones is sent, by UDP and TCP. */
    listen: z.object({ addresses: z.array(address), port: z.int().min(1).max(65535) }),
    /** Whom to ask, in turn, on port 53. */
    resolvers: z.array(address),
    /** What names may not lead to unless the rule says `private`, besides what is private everywhere: zones' subnets. */
    own: z.array(z.string()),
  }),
  z.object({ kind: z.literal('zones'), changed: z.array(zoneMessage), gone: z.array(link) }),
  /** In answer to `lease`: the kernel holds these addresses now, for at least so many seconds. */
  z.object({ kind: z.literal('leased'), id: z.int(), addresses: z.array(address), seconds: z.number() }),
  /** In answer to `lease`: nothing was opened. */
  z.object({ kind: z.literal('refused'), id: z.int(), reason: z.string() }),
]);
export type DaemonMessage = z.infer<typeof daemonMessage>;

/** From the forwarder. */
export const forwarderMessage = z.discriminatedUnion('kind', [
  /** Asks to open `addresses` to a zone before it is told of them. `ttl` in seconds as the resolver said. */
  z.object({
    kind: z.literal('lease'),
    id: z.int(),
    link,
    name,
    addresses: z.array(address).min(1).max(maxLeasedAddresses),
    ttl: z.number().min(0),
  }),
  /** A name that no rule of the zone allows: denied, or in audit mode resolved all the same. `times` since the last message of it. */
  z.object({ kind: z.literal('not-allowed'), link, name, times: z.int().min(1) }),
  /** Totals since the forwarder's start, once every few seconds while they change. */
  z.object({
    kind: z.literal('totals'),
    queries: z.int(),
    answered: z.int(),
    denied: z.int(),
    failed: z.int(),
    limited: z.int(),
    /** False while none of them does; true as long as nobody was asked. */
    resolversAnswer: z.boolean(),
  }),
]);
export type ForwarderMessage = z.infer<typeof forwarderMessage>;
