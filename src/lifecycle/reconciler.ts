/**
 * Keeps the host as it should be. Events only mark dirty; a pass re-reads what is dirty, computes what is desired, plans,
 * applies and reports. Passes never overlap (`loop.ts`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import type { Host, HostEvent } from '../host/port.ts';
import { hasCode } from '../model/errors.ts';
import { remakesEgress } from '../nft/layout-egress.ts';
import { shapeOf } from '../nft/layout-model.ts';
import { observedKeys } from '../nft/observe.ts';
import type { Policy } from '../policy/model.ts';
import { hasIpv6 } from '../routes/forwarding.ts';
import { describeEvent, toldKind, urgencyOf } from './describe-event.ts';
import { DesiredTracker } from './desired-tracker.ts';
import type { Dirty } from './dirty.ts';
import { guardFirst } from './guard-first.ts';
import { problemsOf } from './host-problems.ts';
import { Loop } from './loop.ts';
import { Mirror } from './mirror.ts';
import { type Parts, partsOf, type ReconcilerOptions } from './parts.ts';
import { applyPlan, newcomersOf, type PassFailures, planPass } from './pass.ts';
import type { Policing } from './policing.ts';
import { type LostProxies, ProxyWatch } from './proxy-watch.ts';
import { Quarrel } from './quarrel.ts';
import { labels, repairsIn } from './repairs.ts';
import type { PassFailure, Reporter } from './reporter.ts';
import { Retries } from './retries.ts';
import { linksInScope, type PassScope, siblingsToTell } from './scope.ts';
import { settle } from './settle.ts';
import { SiblingNews } from './sibling-news.ts';
import { ingressPutBack } from './taken-links.ts';
import { passes } from './timing.ts';
import { ZoneRecords } from './zone-record.ts';

/** A transaction that lost a race with another firewall tool is planned again at once, this many times. */
const immediateRetries = 2;

export class Reconciler {
  readonly #host: Host;
  readonly #reporter: Reporter;
  readonly mirror = new Mirror();
  readonly records = new ZoneRecords();
  /** Resolves once a pass has put in place whatever concerns the host as a whole. */
  readonly inForce = Promise.withResolvers<void>();
  #config: Config;
  #policies: readonly Policy[];
  readonly #desired = new DesiredTracker();
  readonly #loop = new Loop((dirty) => this.#tryPass(dirty));
  /** Of the last pass that was planned. */
  #prunes = false;
  /** `shapeOf` the layout in force. */
  #shape = '';
  readonly #retries = new Retries(this.records, (due) => this.#loop.mark((dirty) => dirty.lookAt(due), 'retry'));
  readonly #quarrel = new Quarrel();
  readonly #siblings = new SiblingNews((links) => this.#loop.mark((dirty) => dirty.tell(links), 'siblings changed'));
  /** After each pass: zones may have come or gone, or may reach something else. */
  settled: () => void = () => undefined;
  readonly #parts: Parts;
  #proxyWatch: ProxyWatch | undefined;
  /** Passes begun. */
  #passes = 0;
  #resyncTimer: NodeJS.Timeout | undefined;

  constructor(options: ReconcilerOptions) {
    const { host, config, policies = [], reporter } = options;
    this.#host = host;
    this.#config = config;
    this.#policies = policies;
    this.#reporter = reporter;
    this.#parts = partsOf(options, {
      mirror: this.mirror,
      desired: this.#desired,
      config: () => this.#config,
      news: (what) => this.#loop.mark(() => undefined, what),
      carrierTurned: (ifindex) =>
        this.#loop.mark((dirty) => dirty.turnCarrier(ifindex), "a zone's carrier came or went"),
      failed: (error, what) => this.#failed(error, what),
    });
  }

  get policing(): Policing {
    return this.#parts.policing;
  }

  /** What it goes by now, and what keeps the host as a whole from being right. `desired`: undefined before the first pass. */
  get state() {
    const [config, directories] = [this.#config, this.#parts.directories.list];
    const quarrel = this.#quarrel.status(performance.now());
    return { config, directories, desired: this.#desired.desired, failure: this.#retries.failure, quarrel };
  }

  /** Subscribes, asks every directory once, and makes the first pass, which may fail. */
  async start(): Promise<void> {
    await this.#host.watch((event) => this.#onEvent(event));
    this.#loop.mark((dirty) => (dirty.all = dirty.isAsked = true), 'start');
    const read = this.#parts.observation.begin();
    // A directory that is slow to answer keeps nobody else's zones waiting.
    await Promise.race([this.#parts.directories.start(), read.then(() => delay(passes.directoriesGraceMs))]);
    this.#scheduleResync();
    this.#loop.begin();
    // Not until all is done: on a host that never rests, it never is.
    await this.#loop.turn();
    const missing = (lost: LostProxies) =>
      this.#loop.mark((dirty) => dirty.lackProxies(lost), 'neighbour proxies were deleted', 'may wait');
    const { rtnetlink } = this.#host;
    this.#parts.shares.start();
    this.#proxyWatch = new ProxyWatch({ rtnetlink, mirror: this.mirror, passNumber: () => this.#passes, missing });
  }

  /** Takes a new configuration into force with one pass over everything. */
  async reload(config: Config): Promise<void> {
    this.#config = config;
    this.#scheduleResync();
    // One that is slow to answer keeps nothing else of the configuration waiting; what is served stays served until it has.
    await Promise.race([this.#parts.directories.reload(config), delay(passes.directoriesGraceMs)]);
    this.#loop.mark((dirty) => (dirty.all = dirty.isAsked = true), 'configuration changed');
  }

  /** Takes other policies into force, with a pass over the zones for which they say something else. */
  enforce(policies: readonly Policy[]): void {
    this.#policies = policies;
    this.#loop.mark((dirty) => (dirty.isAsked = true), 'policies changed');
  }

  /** Resolves when nothing is dirty, no pass is under way, and nobody looks at others' firewalls. */
  async idle(): Promise<void> {
    await this.#loop.idle();
    await this.#parts.foreign.idle();
    await this.#loop.idle();
  }

  /** Resolves when the loop comes by, see `Loop.turn`. */
  turn(): Promise<void> {
    return this.#loop.turn();
  }

  /** Ends the loop after the pass under way. The host's state stays as it is. */
  async stop(): Promise<void> {
    const { foreign, directories, shares, sysctlWatches, fleet, policing } = this.#parts;
    await this.#loop.stop();
    await foreign.stop();
    for (const part of [this.#retries, shares, sysctlWatches, fleet, policing, this.#siblings]) part.stop();
    this.#proxyWatch?.stop();
    clearInterval(this.#resyncTimer);
    await directories.stop();
  }

  #onEvent(event: HostEvent): void {
    if (this.#parts.observation.holds(event)) return;
    const { mirror } = this;
    this.#parts.foreign.heard(event);
    this.#parts.uplinks.heard(event);
    // A link event changes the mirror: who bore the index before must be asked first.
    const ifindex = mirror.linkOf(event);
    const urgency = urgencyOf(event, ifindex === undefined ? undefined : mirror.links.get(ifindex));
    const zone = ifindex === undefined ? undefined : this.records.get(ifindex)?.served;
    if (event.kind === 'traced' && mirror.isOfTakenLink(event)) return;
    if (event.kind === 'traced' && toldKind(event) === 'denial') this.policing.heard(event);
    this.#reporter.heard(event, ifindex, zone);
    const isNews = mirror.learn(event);
    this.#parts.fleet.heard(event);
    if (!isNews) return;
    const known = mirror.takeAway(event);
    this.#loop.mark((dirty) => dirty.take(event, ifindex, known), describeEvent(event), urgency);
  }

  async #tryPass(dirty: Dirty): Promise<void> {
    this.#passes += 1;
    this.#retries.renew(dirty);
    try {
      await this.#pass(dirty);
      if (this.#reporter.lastPass !== undefined && this.#retries.failure === undefined) this.inForce.resolve();
    } catch (error) {
      this.#failed(error as Error, 'unreadHost');
    } finally {
      this.#passes += 1;
    }
  }

  async #pass(dirty: Dirty): Promise<void> {
    const begun = performance.now();
    await guardFirst(this.#host.nft, dirty, this.#desired.desired);
    const { scope, plan, failures } = await this.#apply(dirty);
    const ended = performance.now();
    this.#prunes = scope.prune;
    this.#parts.uplinks.passed(plan);
    const ingress = ingressPutBack(plan, this.#desired.desired, scope);
    const labelOf = labels(this.mirror.links, this.records);
    const repairs = repairsIn({ ...plan, ingress }, failures, dirty, this.records.inForce, labelOf);
    this.#settle(dirty, scope, failures);
    const isRead = dirty.all || scope.ruleset === 'all';
    await this.policing.settled({ isRead, isRemade: remakesEgress(plan.nft), mayEnd: scope.prune });
    this.settled();
    const [uplinks, foreign] = [this.#parts.uplinks, this.#parts.foreign];
    const facts = { host: this.#host, mirror: this.mirror, uplinks, foreign, ...this.state };
    this.#reporter.problems(problemsOf(facts, failures.hostRoutes));
    if (dirty.all) this.#parts.foreign.look();
    const culprits = this.#reporter.passed({ dirty, begun, ended, plan, failures, repairs });
    this.#parts.sysctlWatches.update(this.records, scope.links, plan);
    const now = performance.now();
    if (culprits !== undefined) this.#loop.hold(this.#quarrel.repaired(now, culprits));
    this.#reporter.quarrels(this.#quarrel.status(now));
  }

  /** Reads, plans and applies; again at once where somebody was faster, or a rule's handle is not known yet. */
  async #apply(dirty: Dirty) {
    const forgotten = this.#parts.purges.take();
    let lacksHandle = false;
    for (let left = immediateRetries; ; left -= 1) {
      await this.#observe(dirty, lacksHandle);
      const { desired, scope } = this.#scope(dirty, forgotten);
      try {
        const plan = planPass(desired, this.mirror, this.#host.sysctl, scope);
        lacksHandle = false;
        const failures = await applyPlan(this.#host, this.mirror, plan, this.#parts.purges);
        const { nft } = failures;
        // A tool that hangs is asked once: its limit is long, and the loop must come by for the watchdog.
        if (nft === undefined || hasCode(nft, 'timeout') || left === 0) return { scope, plan, failures };
        dirty.lackTables(observedKeys);
      } catch (error) {
        lacksHandle = hasCode(error, 'conflict');
        if (!lacksHandle || left === 0) throw error;
      }
    }
  }

  async #observe(dirty: Dirty, lacksHandle: boolean): Promise<void> {
    await this.#parts.uplinks.observe();
    if (dirty.all) await this.#parts.observation.finish((event) => this.#onEvent(event));
    await this.#parts.fleet.observe(dirty.all);
    if (dirty.all) return;
    this.mirror.sysctls = new Map();
    const tables = lacksHandle ? observedKeys : dirty.tables;
    if (tables.size > 0) await this.mirror.rules.read(this.#host.nft, tables);
    // A link that was never given anything has nothing of ours.
    const given = [...dirty.links].filter((ifindex) => this.records.get(ifindex)?.served !== undefined);
    await this.mirror.observeLinks(this.#host, given);
  }

  /** Computes what is desired and decides which links have to be looked at. */
  #scope(dirty: Dirty, forgotten: PassScope['forgotten']) {
    const before = this.#desired.desired;
    const { served, open } = this.records;
    if (dirty.all || dirty.links.size > 0) this.#parts.directories.linksChanged();
    const asked = this.#parts.directories.ask();
    const prune = asked.every(({ snapshot }) => snapshot.state !== 'waiting');
    const desired = this.#desired.update({
      config: this.#config,
      hasIpv6: hasIpv6(this.#host.sysctl),
      mirror: this.mirror,
      directories: asked,
      served,
      policies: this.#policies,
      share: this.#parts.shares.share,
      elsewhere: this.#parts.fleet.elsewhere,
    });
    const { changed } = this.#desired;
    const everything = prune !== this.#prunes || this.#retries.failure !== undefined;
    const links = linksInScope({ dirty, desired, changed, records: this.records, served, everything });
    const forwarding = this.#parts.uplinks.plan(desired.families);
    if (links !== 'all') this.#siblings.add(siblingsToTell(before, desired));
    const isShaped = this.#shape === shapeOf(desired.layout);
    const ruleset =
      links === 'all' || dirty.tables.size > 0 || dirty.isRulesetTouched || !isShaped ? 'all' : 'of links';
    const { silent } = this.#parts.fleet;
    const { siblings } = dirty;
    const scope: PassScope = { links, ruleset, siblings, prune, served, open, silent, forgotten, forwarding };
    return { desired, scope };
  }

  #settle(dirty: Dirty, scope: PassScope, failures: PassFailures): void {
    const { desired, changed } = this.#desired;
    if (desired === undefined) return;
    const { links } = this.mirror;
    if (failures.nft === undefined && scope.ruleset === 'all') this.#shape = shapeOf(desired.layout);
    const since = dirty.since ?? performance.now();
    // A transaction over everything that fails leaves nobody as he should be.
    const looked = scope.ruleset === 'all' && failures.nft !== undefined ? 'all' : scope.links;
    const newcomers = newcomersOf(scope).filter((ifindex) => desired.siblingLinks.has(ifindex));
    settle(this.records, this.#reporter, { desired, links, scope: looked, changed, failures, since });
    this.#desired.settled();
    this.#siblings.add(newcomers.filter((ifindex) => this.records.open.has(ifindex)));
    const isRouteMissing = failures.hostRoutes.length > 0;
    if (isRouteMissing || scope.links === 'all') this.#retries.settleHostRoutes(isRouteMissing);
    this.#retries.isAsked &&= failures.nft !== undefined;
    this.#failed(failures.nft ?? failures.links.get(0), 'undoneChanges');
  }

  #failed(error: Error | undefined, what: PassFailure): void {
    const failure = this.#retries.settle(error);
    if (failure !== undefined) this.#reporter.failed(what, failure.error, failure.retry);
  }

  #scheduleResync(): void {
    clearInterval(this.#resyncTimer);
    const everyMs = this.#config.settings.reconcile.resyncSeconds * 1000;
    this.#resyncTimer = setInterval(() => this.#loop.mark((dirty) => (dirty.all = true), 'resync'), everyMs).unref();
  }
}
