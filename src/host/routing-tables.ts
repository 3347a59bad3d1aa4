/** Policy rules, the routes of the tables that they ask, and the kernel's own decision, in words as iproute2 has them. */
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import type { Family } from '../model/address.ts';
import * as netlink from '../netlink/index.ts';
import { protocolName, tableName, transportName } from './route-numbers.ts';
import { dump, listRoutes } from './route-socket.ts';

export interface PolicyRule extends Partial<Omit<netlink.RuleMessage, 'table' | 'transport' | 'action'>> {
  readonly priority: number;
  /** None of a rule that goes elsewhere, refuses or does nothing. */
  readonly table?: string | undefined;
  readonly transport?: string | undefined;
  /** `blackhole`, `unreachable`, `prohibit`, `nop`; undefined where a table or another rule is asked. */
  readonly action?: string | undefined;
}

export interface TableRoute {
  readonly family: Family;
  /** As iproute2 names it: `unicast`, `local`, `blackhole` … */
  readonly type: string;
  readonly dst: string;
  readonly table: string;
  readonly protocol: string;
  readonly gateway?: string | undefined;
  /** None of a route without a link, or with several. */
  readonly dev?: string | undefined;
  readonly metric?: number | undefined;
  readonly isDead?: boolean;
  /** Of a multipath route. */
  readonly nexthops?: readonly { readonly dev: string | undefined; readonly gateway: string | undefined }[] | undefined;
}

export interface RoutingTables {
  readonly rules: readonly PolicyRule[];
  readonly routes: readonly TableRoute[];
}

/** Links by their numbers. `refused` says the kernel's error number in words. */
export type KernelDecision =
  | {
      readonly ok: true;
      readonly type: string;
      readonly device: number | undefined;
      readonly gateway: string | undefined;
    }
  | { readonly ok: false; readonly refused: string };

type Names = ReadonlyMap<number, string>;

const mainPriority = 32766;

export function readRules(socket: netlink.RequestSocket, family: Family): PolicyRule[] {
  return listRules(socket, family).map(toPolicyRule);
}

/** `table`: of that one only. */
export function readRoutes(socket: netlink.RequestSocket, family: Family, names: Names, table?: number): TableRoute[] {
  return listRoutes(socket, family, table === undefined ? {} : { table }).map((route) => toRoute(route, names));
}

/** The rules that are asked before the main table, without the kernel's own, and what the tables hold that they ask. */
export function readEarly(socket: netlink.RequestSocket, family: Family, names: Names): RoutingTables {
  const rules = listRules(socket, family).filter(({ priority }) => priority > 0 && priority < mainPriority);
  const tables = new Set(rules.map(({ table }) => table).filter((table) => table !== 0));
  return {
    rules: rules.map(toPolicyRule),
    routes: [...tables].flatMap((table) => readRoutes(socket, family, names, table)),
  };
}

export function askRoute(socket: netlink.RequestSocket, question: netlink.RouteQuestion): KernelDecision {
  try {
    const [message] = socket.ask(netlink.getRoute(question));
    const route = message && netlink.readRoute(message);
    if (route === undefined) throw new netlink.GarbledMessage('no route in the answer');
    return { ok: true, type: route.type, device: route.devices[0], gateway: route.gateway };
  } catch (error) {
    if (!(error instanceof netlink.NetlinkError)) throw error;
    return { ok: false, refused: wordsFor(error) };
  }
}

/** A kernel without the family lists those of the other instead. */
function listRules(socket: netlink.RequestSocket, family: Family): netlink.RuleMessage[] {
  const rules = dump(socket, 'the policy rules', netlink.listRules(family), netlink.readRule);
  return rules.filter((rule) => rule.family === family);
}

/** FR_ACT_NOP is 3; what refuses has the number of the type of route that does (RTN_*). */
function toPolicyRule({ table, transport, action, ...rule }: netlink.RuleMessage): PolicyRule {
  return {
    ...rule,
    table: table === 0 ? undefined : tableName(table),
    transport: transport === undefined ? undefined : transportName(transport),
    action: action < 3 ? undefined : action === 3 ? 'nop' : (netlink.routeTypes[action] ?? String(action)),
  };
}

function toRoute(route: netlink.RouteMessage, names: Names): TableRoute {
  const { family, type, destination = 'default', table, protocol, device, gateway, priority, isDead, hops } = route;
  return {
    family,
    type,
    dst: destination,
    table: tableName(table),
    protocol: protocolName(protocol),
    gateway,
    dev: device === undefined ? undefined : names.get(device),
    metric: priority,
    isDead,
    nexthops: hops?.map((hop) => ({ dev: names.get(hop.device), gateway: hop.gateway })),
  };
}

function wordsFor({ code }: netlink.NetlinkError): string {
  const errno = (constants.errno as Readonly<Record<string, number>>)[code];
  return errno === undefined ? code : getSystemErrorMessage(-errno);
}
