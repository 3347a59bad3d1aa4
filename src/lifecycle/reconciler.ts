/**
 * Keeps the host as it should be. Events only mark dirty; a pass re-reads what is dirty, computes what is desired, plans,
 * applies and reports. Passes never overlap (`loop.ts`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import type { DefaultRoute, Host, HostEvent } from '../host/port.ts';
import { hasCode } from '../model/errors.ts';
import type { LinkName } from '../model/link-name.ts';
import { hasIpv6, isIpv6ForwardingOff, planForwarding } from '../routes/forwarding.ts';
import { earliest, isDue, nextRetry, type Retry } from './backoff.ts';
import { describeEvent, isLoopback } from './describe-event.ts';
import { computeDesired, type Desired } from './desired.ts';
import type { ZoneDirectory } from './directory.ts';
import type { Dirty } from './dirty.ts';
import { problemsOf } from './host-problems.ts';
import { Loop } from './loop.ts';
import { Mirror } from './mirror.ts';
import { applyPlan, type PassFailures, type PassScope, planPass } from './pass.ts';
import { countChanges, type Plan } from './plan.ts';
import { repairsIn } from './repairs.ts';
import type { Reporter } from './reporter.ts';
import { linksInScope, siblingsToTell } from './scope.ts';
import { settle } from './settle.ts';
import { ZoneRecords } from './zone-record.ts';

/** How long the first pass waits for the zone directories: with their answers it is the only one. */
const directoriesGraceMs = 500;
/** A transaction that lost a race with another firewall tool is planned again at once, this many times. */
const immediateRetries = 2;

export interface ReconcilerOptions {
  readonly host: Host;
  readonly config: Config;
  /** `links` gives the zone links on the host at any time. */
  readonly makeDirectories: (config: Config, links: () => readonly LinkName[]) => ZoneDirectory[];
  readonly reporter: Reporter;
}

export interface ReconcilerState {
  readonly config: Config;
  readonly directories: readonly ZoneDirectory[];
  /** Undefined before the first pass. */
  readonly desired: Desired | undefined;
  readonly failure: { readonly error: Error; readonly retry: Retry } | undefined;
}

export class Reconciler {
  readonly #host: Host;
  readonly #makeDirectories: ReconcilerOptions['makeDirectories'];
  readonly #reporter: Reporter;
  readonly mirror = new Mirror();
  readonly records = new ZoneRecords();
  #config: Config;
  #directories: readonly ZoneDirectory[];
  #desired: Desired | undefined;
  readonly #loop = new Loop((dirty) => this.#tryPass(dirty));
  #prunes = false;
  /** Read only while IPv6 forwarding is off: whoever lives on router advertisements must be known before it goes on. */
  #defaultRoutes: DefaultRoute[] = [];
  /** Events that came while the mirror was being read; undefined at other times. */
  #held: HostEvent[] | undefined;
  #failure: { error: Error; retry: Retry } | undefined;
  #gatewayRetry: Retry | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #resyncTimer: NodeJS.Timeout | undefined;

  constructor({ host, config, makeDirectories, reporter }: ReconcilerOptions) {
    this.#host = host;
    this.#config = config;
    this.#makeDirectories = makeDirectories;
    this.#directories = makeDirectories(config, () => this.mirror.zoneLinks());
    this.#reporter = reporter;
  }

  /** What it goes by now, and what keeps the host as a whole from being right. */
  get state(): ReconcilerState {
    const [config, directories] = [this.#config, this.#directories];
    return { config, directories, desired: this.#desired, failure: this.#failure };
  }

  /** Subscribes, asks every directory once, and makes the first pass. */
  async start(): Promise<void> {
    await this.#host.watch((event) => this.#onEvent(event));
    this.#loop.mark((dirty) => (dirty.all = dirty.isAsked = true), 'start');
    // A directory that is slow to answer keeps nobody else's zones waiting.
    await Promise.race([this.#startDirectories(), delay(directoriesGraceMs)]);
    this.#scheduleResync();
    this.#loop.begin();
    await this.idle();
  }

  /** Takes a new configuration into force with one pass over everything. */
  async reload(config: Config): Promise<void> {
    const before = this.#directories;
    const isElsewhere = JSON.stringify(config.settings.zones) !== JSON.stringify(this.#config.settings.zones);
    this.#config = config;
    this.#scheduleResync();
    if (isElsewhere) {
      // What is served stays served until the new ones have answered.
      this.#directories = this.#makeDirectories(config, () => this.mirror.zoneLinks());
      await this.#startDirectories();
      await Promise.all(before.map((directory) => directory.stop()));
    }
    this.#loop.mark((dirty) => (dirty.all = dirty.isAsked = true), 'configuration changed');
  }

  async #startDirectories(): Promise<void> {
    const start = async (directory: ZoneDirectory) => {
      const look = (verb: string) => this.#loop.mark(() => undefined, `zone directory ${directory.name} ${verb}`);
      await directory.start(() => look('changed'));
      look('answered');
    };
    await Promise.all(this.#directories.map(start));
  }

  /** Resolves when nothing is dirty and no pass is under way. */
  idle(): Promise<void> {
    return this.#loop.idle();
  }

  /** Ends the loop after the pass under way. The host's state stays as it is. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    clearTimeout(this.#retryTimer);
    clearInterval(this.#resyncTimer);
    await Promise.all(this.#directories.map((directory) => directory.stop()));
  }

  #onEvent(event: HostEvent): void {
    if (this.#held !== undefined) {
      this.#held.push(event);
      return;
    }
    const { mirror } = this;
    // A link event changes the mirror: who bore the index before must be asked first.
    const ifindex = mirror.linkOf(event);
    if (!mirror.isContradictedBy(event)) return;
    this.#reporter.heard(event);
    this.#loop.mark((dirty) => {
      if (event.kind === 'nft') dirty.ruleset = true;
      else if (event.kind === 'lost' || ifindex === undefined || isLoopback(event)) dirty.all = true;
      else dirty.links.add(ifindex);
    }, describeEvent(event));
  }

  async #tryPass(dirty: Dirty): Promise<void> {
    // What a failed pass should have read is still to be read.
    if (this.#failure !== undefined) dirty.all = true;
    try {
      await this.#pass(dirty);
    } catch (error) {
      this.#failed(error as Error, 'the host could not be read');
    }
  }

  async #pass(dirty: Dirty): Promise<void> {
    const begun = performance.now();
    let plan: Plan | undefined;
    let failures: PassFailures | undefined;
    let scope: PassScope | undefined;
    for (let attempt = 0; attempt <= immediateRetries; attempt++) {
      await this.#observe(dirty);
      scope = this.#scope(dirty);
      const desired = this.#desired;
      if (desired === undefined) return;
      plan = this.#plan(desired, scope);
      failures = plan === undefined ? undefined : await applyPlan(this.#host, this.mirror, plan);
      if (failures !== undefined && failures.nft === undefined) break;
      // Somebody was faster than us, or a handle is not known yet: the ruleset must be seen as it is.
      dirty.ruleset = true;
    }
    if (plan === undefined || scope === undefined || failures === undefined) return;
    this.#settle(dirty, scope, failures);
    const nameOf = (ifindex: number) => this.mirror.links.get(ifindex)?.name ?? `link ${ifindex}`;
    this.#reporter.passed({
      dirty,
      milliseconds: performance.now() - begun,
      changes: countChanges(plan),
      transacted: plan.nft.length > 0,
      repairs: repairsIn(plan, dirty, scope.open, nameOf),
    });
  }

  /** Undefined where the plan needs a handle that the kernel has not told yet. */
  #plan(desired: Desired, scope: PassScope): Plan | undefined {
    try {
      return planPass(desired, this.mirror, this.#host.sysctl, scope);
    } catch (error) {
      if (hasCode(error, 'conflict')) return undefined;
      throw error;
    }
  }

  async #observe(dirty: Dirty): Promise<void> {
    if (isIpv6ForwardingOff(this.#host.sysctl)) this.#defaultRoutes = await this.#host.rtnetlink.defaultRoutes();
    if (dirty.all) {
      this.#held = [];
      try {
        await this.mirror.observeAll(this.#host);
      } finally {
        const held = this.#held;
        this.#held = undefined;
        for (const event of held) this.#onEvent(event);
      }
      return;
    }
    if (dirty.ruleset) await this.mirror.observeRuleset(this.#host);
    for (const ifindex of dirty.links) {
      // A link that was never given anything has nothing of ours.
      if (this.records.get(ifindex)?.served !== undefined && this.mirror.links.has(ifindex)) {
        await this.mirror.observeLink(this.#host, ifindex);
      }
    }
  }

  /** Computes what is desired and decides which links have to be looked at. */
  #scope(dirty: Dirty): PassScope {
    const before = this.#desired;
    const served = this.records.served();
    if (dirty.all || dirty.links.size > 0) for (const directory of this.#directories) directory.linksChanged?.();
    const ipv6 = hasIpv6(this.#host.sysctl);
    const asked = this.#directories.map((directory) => ({ name: directory.name, snapshot: directory.snapshot() }));
    const prune = asked.every(({ snapshot }) => snapshot.state !== 'waiting');
    const desired = computeDesired({
      config: this.#config,
      hasIpv6: ipv6,
      links: this.mirror.links.values(),
      directories: asked,
      holders: this.mirror.holders(),
      served,
    });
    this.#desired = desired;
    const everything = prune !== this.#prunes || this.#failure !== undefined;
    this.#prunes = prune;
    const links = linksInScope({ dirty, desired, records: this.records, served, everything });
    const forwarding = planForwarding(this.#host.sysctl, desired.families, this.#defaultRoutes);
    if (links !== 'all') this.#tellSiblings(siblingsToTell(before, desired));
    return { links, siblings: dirty.siblings, prune, served, open: this.records.open(), forwarding };
  }

  #tellSiblings(links: readonly number[]): void {
    if (links.length === 0) return;
    this.#loop.mark((dirty) => {
      for (const ifindex of links) dirty.siblings.add(ifindex);
    }, 'siblings changed');
  }

  #settle(dirty: Dirty, scope: PassScope, failures: PassFailures): void {
    const desired = this.#desired;
    if (desired === undefined) return;
    const { links } = this.mirror;
    const since = dirty.since ?? performance.now();
    settle(this.records, this.#reporter, { desired, links, scope: scope.links, failures, since });
    const general = failures.nft ?? failures.links.get(0);
    if (general === undefined) this.#failure = undefined;
    else this.#failed(general, 'not everything could be put in place');
    const directories = this.#directories;
    const facts = { host: this.#host, mirror: this.mirror, config: this.#config, directories, desired };
    this.#reporter.problems(problemsOf(facts, failures.gateways));
    const isGatewayMissing = failures.gateways.length > 0;
    if (isGatewayMissing || scope.links === 'all') {
      this.#gatewayRetry = isGatewayMissing ? nextRetry(this.#gatewayRetry, Date.now()) : undefined;
    }
    this.#scheduleRetry();
  }

  #failed(error: Error, what: string): void {
    this.#failure = { error, retry: nextRetry(this.#failure?.retry, Date.now()) };
    this.#reporter.failed(what, error, this.#failure.retry);
    this.#scheduleRetry();
  }

  /** One timer for whatever is due first. */
  #scheduleRetry(): void {
    clearTimeout(this.#retryTimer);
    const due = earliest([...this.#generalRetries(), ...this.records.values().map(({ retry }) => retry)]);
    if (due !== undefined) this.#retryTimer = setTimeout(() => this.#retry(), Math.max(1, due - Date.now()));
  }

  #generalRetries(): (Retry | undefined)[] {
    return [this.#failure?.retry, this.#gatewayRetry];
  }

  #retry(): void {
    this.#loop.mark((dirty) => {
      if (this.#generalRetries().some(isDue)) dirty.all = true;
      for (const { retry, ifindex } of this.records.values()) if (isDue(retry)) dirty.links.add(ifindex);
    }, 'retry');
  }

  #scheduleResync(): void {
    clearInterval(this.#resyncTimer);
    const everyMs = this.#config.settings.reconcile.resyncSeconds * 1000;
    this.#resyncTimer = setInterval(() => this.#loop.mark((dirty) => (dirty.all = true), 'resync'), everyMs);
    this.#resyncTimer.unref();
  }
}
