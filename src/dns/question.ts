/**
 * What a zone asks: bytes that anybody in it may have chosen become a question, or a refusal that needs no resolver.
 * Nothing of these bytes ever goes further than back to the zone itself.
 */
import { limits } from './limits.ts';
import { classIn, flags, headerBytes, readRecords } from './wire.ts';

/** IANA, Domain Name System Parameters. */
export const rcodes = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5, badVers: 16 } as const;
export type Rcode = (typeof rcodes)[keyof typeof rcodes];

/** What every answer repeats of its query. */
export interface Asked {
  readonly id: number;
  /** RD and CD of the query's flags, and its opcode, where they stand in the header. */
  readonly flags: number;
  /** The question as it was written, in the zone's own spelling; empty where there is none to repeat. */
  readonly question: Buffer;
  /** What the zone takes by UDP; undefined where it does not speak EDNS. */
  readonly udpBytes: number | undefined;
}

export interface Question extends Asked {
  /** In lower case without the last dot; empty for the root. Undefined where it is no name that a rule could allow. */
  readonly name: string | undefined;
  readonly type: number;
}

export type Judged =
  | { readonly kind: 'question'; readonly question: Question }
  | { readonly kind: 'refusal'; readonly rcode: Rcode; readonly asked: Asked }
  /** Not worth an answer: no header, or an answer itself, which an answer would begin an endless conversation with. */
  | { readonly kind: 'nothing' };

const repeatedFlags = flags.opcode | flags.recursionDesired | flags.checkingDisabled;
/** An OPT, a TSIG and some room. */
const maxAdditionals = 4;

/** Never throws. */
export function judgeQuery(bytes: Buffer): Judged {
  if (bytes.length < headerBytes) return { kind: 'nothing' };
  const word = bytes.readUInt16BE(2);
  if ((word & flags.response) !== 0) return { kind: 'nothing' };
  const bare: Asked = {
    id: bytes.readUInt16BE(0),
    flags: word & repeatedFlags,
    question: Buffer.alloc(0),
    udpBytes: undefined,
  };
  if ((word & flags.opcode) !== 0) return { kind: 'refusal', rcode: rcodes.notImp, asked: bare };
  const malformed: Judged = { kind: 'refusal', rcode: rcodes.formErr, asked: bare };
  // Ahead of the parser, which makes arrays of whatever size the header claims.
  if (bytes.length > limits.queryBytes || !hasOneQuestion(bytes)) return malformed;
  const question = readQuestion(bytes);
  if (question === undefined) return malformed;
  const opt = readOpt(bytes, headerBytes + question.bytes.length);
  if (opt === 'malformed') return malformed;
  const asked = { ...bare, question: Buffer.from(question.bytes), udpBytes: opt?.udpBytes };
  if (opt !== undefined && opt.version !== 0) return { kind: 'refusal', rcode: rcodes.badVers, asked };
  if (question.class !== classIn) return { kind: 'refusal', rcode: rcodes.refused, asked };
  return { kind: 'question', question: { ...asked, name: question.name, type: question.type } };
}

function hasOneQuestion(bytes: Buffer): boolean {
  const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((place) => bytes.readUInt16BE(place));
  return questions === 1 && answers === 0 && authorities === 0 && (additionals ?? 0) <= maxAdditionals;
}

interface Read {
  readonly bytes: Buffer;
  readonly name: string | undefined;
  readonly type: number;
  readonly class: number;
}

/**
 * Label by label, since the parser joins labels by dots, and would read the one label `api.example.com` as three. A pointer
 * has nothing to point at in the first name of a message.
 */
function readQuestion(bytes: Buffer): Read | undefined {
  const labels: string[] = [];
  let place = headerBytes;
  let isPlain = true;
  for (let length = bytes[place]; length !== 0; length = bytes[place]) {
    if (length === undefined || length > 63 || place + 1 + length >= bytes.length) return undefined;
    const label = bytes.toString('latin1', place + 1, place + 1 + length).toLowerCase();
    isPlain &&= /^[a-z0-9_-]+$/.test(label);
    labels.push(label);
    place += 1 + length;
  }
  const end = place + 5;
  if (end > bytes.length || place + 1 - headerBytes > 255) return undefined;
  return {
    bytes: bytes.subarray(headerBytes, end),
    name: isPlain ? labels.join('.') : undefined,
    type: bytes.readUInt16BE(place + 1),
    class: bytes.readUInt16BE(place + 3),
  };
}

interface Opt {
  readonly udpBytes: number;
  readonly version: number;
}

/** Undefined where there is none. RFC 6891 6.1.1: one at most. */
function readOpt(bytes: Buffer, from: number): Opt | undefined | 'malformed' {
  const count = bytes.readUInt16BE(10);
  if (count === 0) return undefined;
  try {
    const opts = readRecords(bytes, from, count).filter(({ type }) => type === 'OPT');
    const [opt] = opts;
    if (opt === undefined) return undefined;
    if (opts.length > 1) return 'malformed';
    return { udpBytes: opt.udpPayloadSize ?? 0, version: opt.ednsVersion ?? 0 };
  } catch {
    // Whatever it stumbled over: the message is broken.
    return 'malformed';
  }
}
