/** The words of `flows` as values. Pure. */
import { type Family, hostPrefix, type Prefix, parseAddress, parsePrefix } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import type { FlowFilter } from '../traffic/flow.ts';
import type { Arguments } from './command.ts';
import { type Format, formatOf } from './listing.ts';

export const flowOrders = ['bytes', 'age', 'zone', 'peer'] as const;
export type FlowOrder = (typeof flowOrders)[number];

export interface FlowOptions {
  /** A link or a name. */
  readonly zone: string | undefined;
  readonly filter: Omit<FlowFilter, 'links'>;
  readonly order: FlowOrder;
  readonly limit: number;
  readonly format: Format;
  readonly hasHeaders: boolean;
  readonly noColor: boolean;
}

const usualLimit = 1000;

/** Throws `usage` for what none of them can be. */
export function parseFlowOptions(args: Arguments): FlowOptions {
  if (args.has('follow')) {
    for (const option of ['sort', 'limit'])
      if (args.text(option) !== undefined)
        throw new ProtectNetworkError(
          'usage',
          `--${option} is for a list; -f prints connections as they begin and end`,
        );
  }
  return {
    zone: args.positionals[0],
    filter: {
      peer: peerIn(args.text('to')),
      port: numberIn(args, 'port', 65_535),
      protocol: protocolIn(args.text('protocol')),
      direction: oneOf(args.text('direction'), '--direction', ['in', 'out']),
      family: familyIn(args),
    },
    order: oneOf(args.text('sort'), '--sort', flowOrders) ?? 'bytes',
    limit: numberIn(args, 'limit', 999_999) ?? usualLimit,
    format: formatOf(args),
    hasHeaders: !args.has('no-headers'),
    noColor: args.has('no-color'),
  };
}

/** What has a slash can only be a prefix; what is neither is a name. */
function peerIn(text: string | undefined): Prefix | string | undefined {
  if (text === undefined) return undefined;
  const address = parseAddress(text);
  if (address !== undefined) return hostPrefix(address);
  const prefix = parsePrefix(text);
  if (prefix === undefined && text.includes('/')) {
    throw new ProtectNetworkError(
      'usage',
      `--to is '${text}'; expected a prefix without host bits, such as 203.0.113.0/24`,
    );
  }
  return prefix ?? text;
}

export function numberIn(args: Arguments, option: string, most: number): number | undefined {
  const text = args.text(option);
  if (text === undefined) return undefined;
  const value = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= most) return value;
  throw new ProtectNetworkError('usage', `--${option} is '${text}'; expected a number from 1 to ${most}`);
}

function protocolIn(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const word = text.toLowerCase();
  if (['tcp', 'udp', 'icmp'].includes(word) || (/^\d{1,3}$/.test(word) && Number(word) < 256)) return word;
  throw new ProtectNetworkError('usage', `--protocol is '${text}'; expected tcp, udp, icmp or a number below 256`);
}

function familyIn(args: Arguments): Family | undefined {
  if (args.has('ipv4') && args.has('ipv6')) throw new ProtectNetworkError('usage', '-4 and -6 exclude each other');
  return args.has('ipv4') ? 'ipv4' : args.has('ipv6') ? 'ipv6' : undefined;
}

export function oneOf<Word extends string>(
  text: string | undefined,
  option: string,
  words: readonly Word[],
): Word | undefined {
  const found = words.find((word) => word === text);
  if (text === undefined || found !== undefined) return found;
  throw new ProtectNetworkError(
    'usage',
    `${option} is '${text}'; expected ${words.join(', ').replace(/, ([^,]*)$/, ' or $1')}`,
  );
}
