/**
 * One connection to the daemon: a list, then events and lists for as long as lists are answered. Lists are the truth;
 * events only make the next one come at once, and let what cannot be wrong take effect before it.
 */
import { Client, credentials } from '@grpc/grpc-js';
import { z } from 'zod';
import { messageOf, ProtectNetworkError } from '../../model/errors.ts';
import { call, isUnimplemented } from './call.ts';
import { type ControlZone, readZone } from './control-zone.ts';
import { type Methods, methodsOf, type ServiceName } from './messages.ts';
import { backoff, listSpacing, Mark, pause } from './waiting.ts';

export type Zones = ReadonlyMap<string | symbol, ControlZone>;

export interface SessionListener {
  /** The zones as a completely answered list, and events since, have them. */
  readonly onZones: (service: ServiceName, zones: Zones) => void;
  /** Why there are no events for now, undefined once there are. Lists go on regardless. */
  readonly onWatch: (service: ServiceName, trouble: string | undefined) => void;
}

/** Follows the daemon at `path`. Resolves when `signal` aborts, rejects with the reason once a list fails. */
export async function follow(path: string, listener: SessionListener, signal: AbortSignal): Promise<void> {
  const client = new Client(`unix://${path}`, credentials.createInsecure(), channelOptions);
  const ended = new AbortController();
  const scope = AbortSignal.any([signal, ended.signal]);
  try {
    const { service, zones } = await firstList(client, path, scope);
    const session = new Session(client, service, listener, scope);
    session.listed(zones, []);
    const watching = session.watch();
    await session.relist().finally(() => ended.abort());
    await watching;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ended.abort();
    client.close();
  }
}

/** Asks for Edera's service first. Its absence is an answer of the server, never a guess from what it sends. */
async function firstList(client: Client, path: string, signal: AbortSignal) {
  for (const service of services) {
    try {
      return { service, zones: await listZones(client, service, signal) };
    } catch (error) {
      if (!isUnimplemented(error)) throw error;
    }
  }
  throw new ProtectNetworkError('refused', `${path} serves neither ${services.join(' nor ')}`);
}

/** One complete list. Rejects where it is not complete within its bounds: an incomplete list must not prune. */
async function listZones(
  client: Client,
  service: ServiceName,
  signal: AbortSignal,
): Promise<Map<string | symbol, ControlZone>> {
  const zones = new Map<string | symbol, ControlZone>();
  let count = 0;
  let replies = 0;
  const onReply = (reply: unknown, bytes: number) => {
    const told = listReply.parse(reply).zones;
    replies += 1;
    count += Math.max(1, told.length);
    if (count > maxZones) throw new ProtectNetworkError('garbled', `${service} lists more than ${maxZones} zones`);
    if (bytes > maxListBytes)
      throw new ProtectNetworkError('garbled', `${service} lists more than ${maxListBytes} bytes`);
    for (const raw of told) {
      const zone = readZone(service, raw);
      zones.set(zone.key, zone);
    }
    return undefined;
  };
  await call(client, methodsOf(service).listZones, { signal, timeout: listTimeout, onReply });
  if (service === 'krata.v1.control' && replies !== 1) {
    throw new ProtectNetworkError('garbled', `${service} answered one list with ${replies} replies`);
  }
  return zones;
}

class Session {
  readonly #client: Client;
  readonly #service: ServiceName;
  readonly #methods: Methods;
  readonly #listener: SessionListener;
  readonly #signal: AbortSignal;
  readonly #dirty = new Mark();
  #zones = new Map<string | symbol, ControlZone>();
  /** Events since the last list began: that list may be older than they are. */
  #recent: ControlZone[] = [];
  #listDone = Promise.withResolvers<void>();

  constructor(client: Client, service: ServiceName, listener: SessionListener, signal: AbortSignal) {
    this.#client = client;
    this.#service = service;
    this.#methods = methodsOf(service);
    this.#listener = listener;
    this.#signal = signal;
  }

  listed(zones: Map<string | symbol, ControlZone>, events: readonly ControlZone[]): void {
    for (const event of events) applyEvent(zones, event);
    this.#zones = zones;
    this.#listener.onZones(this.#service, zones);
    this.#listDone.resolve();
    this.#listDone = Promise.withResolvers<void>();
  }

  /** Lists again whenever something has changed, one list at a time. Rejects once a list fails. */
  async relist(): Promise<void> {
    for (;;) {
      await this.#dirty.wait(resyncInterval, this.#signal);
      if (this.#signal.aborted) return;
      this.#dirty.clear();
      this.#recent = [];
      const begin = performance.now();
      const zones = await listZones(this.#client, this.#service, this.#signal);
      this.listed(zones, this.#recent);
      const took = performance.now() - begin;
      await pause(listSpacing(took) - took, this.#signal);
    }
  }

  /** Watches for as long as the session lasts; a watch that fails is opened again. Never rejects. */
  async watch(): Promise<void> {
    for (let attempt = 0; !this.#signal.aborted; attempt += 1) {
      const begin = performance.now();
      const trouble = await this.#watchOnce();
      // Whatever happened while nobody watched is in the next list.
      this.#dirty.set();
      if (performance.now() - begin > steadyWatch) attempt = 0;
      const delay = backoff(attempt);
      if (!this.#signal.aborted)
        this.#listener.onWatch(this.#service, `${trouble}; next try in ${(delay / 1000).toFixed(1)} s`);
      await pause(delay, this.#signal);
    }
  }

  /** Returns why the watch ended. */
  async #watchOnce(): Promise<string> {
    try {
      await call(this.#client, this.#methods.watchEvents, {
        signal: this.#signal,
        timeout: undefined,
        onReply: (reply) => this.#event(reply),
        onAccepted: () => {
          this.#listener.onWatch(this.#service, undefined);
          // What changed between the last list and the server's acceptance had no watcher.
          this.#dirty.set();
        },
      });
      return `${this.#methods.watchEvents.path}: the server ended the stream`;
    } catch (error) {
      return messageOf(error);
    }
  }

  #event(reply: unknown): Promise<void> | undefined {
    const { zoneChanged } = eventReply.parse(reply);
    if (!zoneChanged) return undefined;
    const zone = readZone(this.#service, zoneChanged.zone);
    this.#recent.push(zone);
    if (applyEvent(this.#zones, zone)) this.#listener.onZones(this.#service, this.#zones);
    this.#dirty.set();
    return this.#recent.length < maxRecent ? undefined : this.#listDone.promise;
  }
}

/**
 * Lets an event take effect before the list that confirms it, where being late cannot do harm: a zone that is not
 * served comes, or the host says that a zone has ended. A change to a zone that is served waits for the list, because an
 * event that was overtaken by a list would take the zone's link down and up again. Returns whether it took effect.
 */
export function applyEvent(zones: Map<string | symbol, ControlZone>, event: ControlZone): boolean {
  const served = (zones.get(event.key)?.claims.length ?? 0) > 0;
  const takesEffect = served ? event.ended : event.claims.length > 0;
  if (takesEffect) zones.set(event.key, event);
  return takesEffect;
}

const services: readonly ServiceName[] = ['protect.control.v1', 'krata.v1.control'];

/** Milliseconds. */
const resyncInterval = 5_000;
const listTimeout = 5_000;
/** A watch that lasted longer than the longest backoff did work. */
const steadyWatch = 15_000;

/** More zones than Xen has domain ids (0x7ff0), at about a KiB each. */
const maxZones = 32_768;
const maxListBytes = 32 * 1024 * 1024;
/** Events that are taken in between two lists before the server has to wait. */
const maxRecent = 1_024;

const listReply = z.object({ zones: z.array(z.unknown()) });
const eventReply = z.object({ zoneChanged: z.object({ zone: z.unknown() }).nullish() });

const channelOptions = {
  'grpc.max_receive_message_length': maxListBytes,
  // Without it a channel shares its connection with an earlier one to the same path, that is, with a socket now replaced.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  // Or a variable of the environment could send us elsewhere.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
};
