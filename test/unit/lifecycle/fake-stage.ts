/** The stage of the events on two fake kernels, one of them with the daemon. */
import type { Config } from '../../../src/config/config.ts';
import { refusal } from '../../events/config.ts';
import { furniture } from '../../events/foreign-events.ts';
import type { Outcome } from '../../events/oracle.ts';
import type { Act, Stage } from '../../events/stage.ts';
import type { Call } from '../../fake/faults.ts';
import type { Fault } from '../../fake/faulty-host.ts';
import { FakeHost } from '../../fake/kernel.ts';
import type { FaultyWorld } from './faulty-world.ts';
import type { World } from './support.ts';

/** A host with things of others on it. */
export function populated(): FakeHost {
  const host = new FakeHost();
  host.addLink('eth0');
  host.setLink('eth0', { up: true });
  for (const act of furniture) perform(host, act);
  return host;
}

export function outcomeOf({ host, directories }: World): Outcome {
  return { text: host.render(), directories };
}

export class FakeStage implements Stage {
  readonly world: FaultyWorld;
  readonly alone = populated();
  /** Events were lost at some time. */
  wasSilenced = false;

  constructor(world: FaultyWorld) {
    this.world = world;
  }

  get directories() {
    return this.world.directories;
  }

  addLink(name: string): void {
    if (!this.#has(name)) this.world.host.addLink(name);
  }

  deleteLink(name: string): void {
    if (this.#has(name)) this.world.host.deleteLink(name);
  }

  rebear(name: string): void {
    this.deleteLink(name);
    this.addLink(name);
  }

  renameLink(from: string, to: string): void {
    if (this.#has(from) && !this.#has(to)) this.world.host.renameLink(from, to);
  }

  setLink(name: string, up: boolean): void {
    if (this.#has(name)) this.world.host.setLink(name, { up });
  }

  damage(act: Act): boolean {
    return attempt(() => perform(this.world.host, act));
  }

  deleteOwnRoute(which: number): void {
    const routes = this.world.lines('route ', 'proto 75').map((line) => /^route (local )?(\S+) dev (\S+)/.exec(line));
    const [, local, destination = '', device = ''] = routes[which % Math.max(1, routes.length)] ?? [];
    const family = destination.includes(':') ? 'ipv6' : 'ipv4';
    const place = local === undefined ? {} : ({ type: 'local', table: 'local' } as const);
    this.damage({ kind: 'route-del', route: { family, destination, device, protocol: '75', ...place } });
  }

  foreign(act: Act): void {
    for (const host of [this.world.host, this.alone]) attempt(() => perform(host, act));
  }

  inTheWay(act: Act): void {
    if (this.damage(act)) perform(this.alone, act);
  }

  fail(call: Call, times: number): void {
    this.world.host.failNext(call, refusal(), times);
  }

  order(fault: Fault, ahead: number): void {
    this.world.plan.order(fault, ahead);
  }

  /** What the port makes of it. */
  kill(helper: string): void {
    if (helper.includes('monitor')) this.world.host.loseEvents(`${helper} ended`);
    else this.world.plan.order('fails after its effect');
  }

  settle(): Promise<void> {
    return this.world.settle();
  }

  second(): Promise<void> {
    return this.world.pass(1000);
  }

  restart(): Promise<void> {
    return this.world.restart();
  }

  reload(config: Config): Promise<void> {
    return this.world.reload(config);
  }

  silence(): void {
    this.wasSilenced = true;
    this.world.host.silenceEvents();
  }

  loseEvents(): void {
    this.world.host.loseEvents('No buffer space available');
  }

  #has(name: string): boolean {
    return this.world.lines('link ').some((line) => line.split(' ')[2] === name);
  }
}

/** Throws where the kernel refuses. */
function perform(host: FakeHost, act: Act): void {
  if (act.kind === 'nft') host.foreignNft([...act.commands], { pid: 4711, process: 'nft' });
  else if (act.kind === 'route-add') host.foreignRoute(act.route);
  else if (act.kind === 'route-del') host.foreignRouteDelete(act.route);
  else if (act.kind === 'proxy-add') host.foreignProxy(act.address, act.device);
  else host.foreignSysctl(act.path, act.value);
}

/** False where the kernel refused: what somebody tries to break need not be there. */
function attempt(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return false;
  }
}
