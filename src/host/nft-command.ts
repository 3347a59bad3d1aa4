/** What can be done to nftables, one command each, and how nft's JSON says it (libnftables-json(5)). Pure. */
import type { LinkName } from '../model/link-name.ts';

export type NftFamily = 'ip' | 'ip6' | 'inet' | 'netdev';

/** One object of nft's JSON, e.g. `{"rule": {...}}`. Foreign ones may hold anything. */
export type NftObject = Readonly<Record<string, unknown>>;

/** One command of nft's JSON. */
export type NftJson = Readonly<Record<string, NftObject>>;

export interface TableRef {
  readonly family: NftFamily;
  readonly table: string;
}

export interface ChainRef extends TableRef {
  readonly chain: string;
}

export interface SetRef extends TableRef {
  readonly set: string;
}

export interface BaseHook {
  readonly type: 'filter' | 'nat';
  readonly hook: string;
  /** nft's numeric priority: raw -300, filter 0, srcnat 100. */
  readonly prio: number;
  /** The link that it hangs at, in the family `netdev`. nft 1.0.6 does not list it. */
  readonly dev?: LinkName;
  /** Without one the kernel gives a new chain `accept`, and leaves one that has come meanwhile as it is. */
  readonly policy?: string;
}

export interface SetLayout {
  readonly name: string;
  readonly type: string | readonly string[];
  /** Each element counts its packets. */
  readonly counted?: boolean;
  /** Filled by packets: at most `size` elements, each forgotten `timeout` seconds after its last packet. */
  readonly filled?: { readonly size: number; readonly timeout: number };
  /** Its elements, concatenations, may be intervals in each part. */
  readonly intervals?: true;
  /** Each element is one while there is more of it than this. */
  readonly over?:
    | { readonly connections: number }
    | { readonly count: number; readonly per: string; readonly burst: number }
    | { readonly bytesPerSecond: number; readonly burst: number };
  /** Each element lasts as long as is said of it; there are at most so many. */
  readonly leased?: { readonly size: number };
}

export type NftCommand = LayoutCommand | ZoneCommand;

/** What changes with the settings. */
export type LayoutCommand =
  | (TableRef & { readonly kind: 'add-table' | 'delete-table' })
  | (ChainRef & { readonly kind: 'add-chain'; readonly hook?: BaseHook | undefined })
  | (ChainRef & { readonly kind: 'flush-chain' | 'delete-chain' })
  | (ChainRef & { readonly kind: 'add-rule'; readonly expr: readonly NftObject[] })
  /** First in the chain, or ahead of the rule with the handle `before`. */
  | (ChainRef & {
      readonly kind: 'insert-rule';
      readonly expr: readonly NftObject[];
      readonly before?: number | undefined;
    })
  | (SetRef & { readonly kind: 'add-set'; readonly layout: SetLayout })
  | (SetRef & { readonly kind: 'delete-set' });

/** What comes and goes with zones. */
export type ZoneCommand = ElementsCommand | AcceptLink | DeleteRule;

export interface DeleteRule extends ChainRef {
  readonly kind: 'delete-rule';
  readonly handle: number;
  /** The link whose documented pair it belongs to, where that link is to have none any more. */
  readonly pairOf?: LinkName | undefined;
}

export interface ElementsCommand extends SetRef {
  readonly kind: 'add-elements' | 'delete-elements';
  /**
   * `vif7.0 10.75.0.3` for a concatenation, the value itself otherwise. In sets of intervals each part but the link may be one:
   * `vif7.0 10.75.0.0-10.75.255.255 tcp 1-1023`.
   */
  readonly keys: readonly string[];
  /** Each new one counts its packets, whatever its set says: nft before 1.0.6 cannot say it of a set in JSON. */
  readonly counted?: boolean;
}

/** One of the documented pair's rules, behind all others of its chain. */
export interface AcceptLink extends ChainRef {
  readonly kind: 'accept-link';
  readonly key: 'iifname' | 'oifname';
  readonly link: LinkName;
}

export function isOfZone(command: NftCommand): command is ZoneCommand {
  return ['add-elements', 'delete-elements', 'accept-link', 'delete-rule'].includes(command.kind);
}

export function acceptedLink({ key, link }: Pick<AcceptLink, 'key' | 'link'>): NftObject[] {
  const isLink = { match: { op: '==', left: { meta: { key } }, right: link } };
  return [isLink, { counter: null }, { accept: null }];
}

/** E.g. `{"add": {"table": {"family": "inet", "name": "edera"}}}`. */
export function commandJson(command: NftCommand): NftJson {
  const { kind, family, table } = command;
  switch (kind) {
    case 'add-table':
    case 'delete-table':
      return { [verbOf(kind)]: { table: { family, name: table } } };
    case 'add-chain':
      return { add: { chain: { family, table, name: command.chain, ...command.hook } } };
    case 'flush-chain':
    case 'delete-chain':
      return { [verbOf(kind)]: { chain: { family, table, name: command.chain } } };
    case 'add-rule':
      return { add: { rule: { family, table, chain: command.chain, expr: command.expr } } };
    case 'accept-link':
      return { add: { rule: { family, table, chain: command.chain, expr: acceptedLink(command) } } };
    case 'insert-rule': {
      const { chain, before, expr } = command;
      return { insert: { rule: { family, table, chain, ...(before === undefined ? {} : { handle: before }), expr } } };
    }
    case 'delete-rule':
      return { delete: { rule: { family, table, chain: command.chain, handle: command.handle } } };
    case 'add-set': {
      const { name, type, counted = false, over, filled, leased } = command.layout;
      const flags = setFlags(command.layout);
      const statement = counted ? { counter: null } : over && overJson(over);
      const more = { ...(statement && { stmt: [statement] }), ...(flags && { flags }), ...filled, ...leased };
      return { add: { set: { family, table, name, type, ...more } } };
    }
    case 'delete-set':
      return { delete: { set: { family, table, name: command.set } } };
    case 'add-elements':
    case 'delete-elements': {
      const elem = command.keys.map(elementJson);
      return { [verbOf(kind)]: { element: { family, table, name: command.set, elem } } };
    }
  }
}

function overJson(over: NonNullable<SetLayout['over']>): NftObject {
  if ('connections' in over) return { 'ct count': { val: over.connections, inv: true } };
  if ('bytesPerSecond' in over) {
    const units = { rate_unit: 'bytes', burst_unit: 'bytes' };
    return { limit: { rate: over.bytesPerSecond, burst: over.burst, per: 'second', inv: true, ...units } };
  }
  return { limit: { rate: over.count, burst: over.burst, per: over.per, inv: true } };
}

export function isRemoval({ kind }: NftCommand): boolean {
  return ['delete', 'flush'].includes(verbOf(kind));
}

function verbOf(kind: NftCommand['kind']): string {
  return kind.slice(0, kind.indexOf('-'));
}

/** As nft's JSON has them; undefined for none. */
export function setFlags({ filled, leased, intervals }: SetLayout): readonly string[] | undefined {
  if (intervals === true) return ['interval'];
  return filled === undefined && leased === undefined ? undefined : ['timeout'];
}

/** As nft's JSON has it. */
export function elementJson(key: string): unknown {
  const [first = key, ...others] = key.split(' ');
  if (others.length === 0) return key;
  const parts = others.map((part) => {
    const ends = part.split('-').map((end) => (/^\d+$/.test(end) ? Number(end) : end));
    return ends.length === 1 ? ends[0] : { range: ends };
  });
  return { concat: [first, ...parts] };
}
