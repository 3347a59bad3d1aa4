/** Policy rules (RTM_*RULE, include/uapi/linux/fib_rules.h). */
import { Attributes, type Message } from './reader.ts';
import { familyOfNumber, type IpFamily, prefixText } from './route.ts';
import { familyNumber, type Request } from './socket.ts';

/** RTM_GETRULE. */
const getRules = 34;
/** FRA_*. */
const attribute = {
  destination: 1,
  source: 2,
  input: 3,
  goto: 4,
  priority: 6,
  mark: 10,
  suppressedLength: 14,
  table: 15,
  mask: 16,
  output: 17,
  vrf: 19,
  users: 20,
  transport: 22,
  sourcePorts: 23,
  destinationPorts: 24,
} as const;

/** struct fib_rule_hdr: family, dst_len, src_len, tos, table (u8 each), two reserved, action (u8), flags (u32). */
const headerSize = 12;

export interface RuleMessage {
  readonly family: IpFamily;
  readonly priority: number;
  readonly table: number;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly input: string | undefined;
  readonly output: string | undefined;
  readonly mark: { readonly value: number; readonly mask: number } | undefined;
  /** IPPROTO_*. */
  readonly transport: number | undefined;
  readonly sourcePorts: Ports | undefined;
  readonly destinationPorts: Ports | undefined;
  /** Also of the traffic class. */
  readonly typeOfService: number;
  /** The lowest number of the users whose packets are meant. */
  readonly user: number | undefined;
  /** Asks the table of the link's VRF (`l3mdev`). */
  readonly isOfVrf: boolean;
  /** FR_ACT_*: 1 looks the table up, 2 goes to `goto`, 3 does nothing, 6 is blackhole, 7 unreachable, 8 prohibit. */
  readonly action: number;
  readonly goto: number | undefined;
  readonly isInverted: boolean;
  /** A route whose prefix is no longer than that does not count; negative where all do. */
  readonly suppressedLength: number;
}

export type Ports = readonly [from: number, to: number];

export function listRules(family: IpFamily): Request {
  const bytes = Buffer.alloc(headerSize);
  bytes[0] = familyNumber(family);
  return { type: getRules, fill: (writer) => writer.raw(bytes) };
}

export function readRule({ payload }: Message): RuleMessage | undefined {
  const values = new Attributes(payload, headerSize);
  const family = familyOfNumber(payload[0]);
  if (family === undefined) return undefined;
  const side = (type: number, length = 0) => {
    const bytes = values.bytes(type);
    return bytes === undefined ? undefined : prefixText(bytes, length);
  };
  const mask = values.u32(attribute.mask);
  return {
    family,
    priority: values.u32(attribute.priority) ?? 0,
    table: values.u32(attribute.table) ?? payload[4] ?? 0,
    from: side(attribute.source, payload[2]),
    to: side(attribute.destination, payload[1]),
    input: values.text(attribute.input),
    output: values.text(attribute.output),
    mark: mask === undefined ? undefined : { value: values.u32(attribute.mark) ?? 0, mask },
    transport: values.u8(attribute.transport),
    sourcePorts: portsIn(values.bytes(attribute.sourcePorts)),
    destinationPorts: portsIn(values.bytes(attribute.destinationPorts)),
    typeOfService: payload[3] ?? 0,
    // struct fib_rule_uid_range: start, end.
    user: values.u32(attribute.users),
    isOfVrf: (values.u8(attribute.vrf) ?? 0) !== 0,
    action: payload[7] ?? 0,
    goto: values.u32(attribute.goto),
    // FIB_RULE_INVERT.
    isInverted: (payload.readUInt32LE(8) & 2) !== 0,
    suppressedLength: values.i32(attribute.suppressedLength) ?? -1,
  };
}

/** struct fib_rule_port_range. */
function portsIn(bytes: Buffer | undefined): Ports | undefined {
  return bytes === undefined || bytes.length < 4 ? undefined : [bytes.readUInt16LE(0), bytes.readUInt16LE(2)];
}
