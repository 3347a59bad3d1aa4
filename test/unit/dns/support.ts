/** Queries, answers and a daemon for tests of the forwarder without sockets. */
import { Cache } from '../../../src/dns/cache.ts';
import type { AddressType, Resolved } from '../../../src/dns/chain.ts';
import type { Leased } from '../../../src/dns/daemon-channel.ts';
import { Forwarder } from '../../../src/dns/forwarder.ts';
import { News } from '../../../src/dns/news.ts';
import { Zones } from '../../../src/dns/zones.ts';
import { type Address, parseAddress } from '../../../src/model/address.ts';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { parseLinkName } from '../../../src/model/link-name.ts';
import type { ForwarderMessage, ZoneMessage } from '../../../src/policy/messages.ts';
import { isKeptFrom } from '../../../src/policy/private-addresses.ts';
import { query, read } from '../../lab/dns-messages.ts';

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

export function zoneMessage(options: Partial<ZoneMessage> = {}): ZoneMessage {
  const link = parseLinkName('vif7.0');
  if (link === undefined) throw new Error('no link');
  const allow = [
    { pattern: 'api.example.com', isPrivate: false },
    { pattern: 'git.corp.example', isPrivate: true },
  ];
  return { link, name: 'web', addresses: [address('10.75.0.3')], mode: 'enforce', allow, deny: [], ...options };
}

export class TestDaemon {
  readonly said: ForwarderMessage[] = [];
  /** Throws it to who asks for a lease; undefined: everything is opened for so many seconds. */
  refusal: string | undefined;
  seconds = 900;
  /** Called while a lease is under way. */
  meanwhile: () => void = () => undefined;

  async lease(link: ZoneMessage['link'], name: string, addresses: readonly Address[], ttl: number): Promise<Leased> {
    this.said.push({ kind: 'lease', id: 1, link, name, addresses: [...addresses], ttl });
    await Promise.resolve();
    this.meanwhile();
    if (this.refusal !== undefined) throw new ProtectNetworkError('refused', this.refusal);
    return { addresses, seconds: this.seconds };
  }

  send(message: ForwarderMessage): boolean {
    this.said.push(message);
    return true;
  }

  get leases() {
    return this.said.filter((message) => message.kind === 'lease');
  }
}

/** A forwarder whose one zone is 10.75.0.3, and whose resolvers are `answers` by name and type. */
export class TestForwarder {
  readonly asked: string[] = [];
  readonly daemon = new TestDaemon();
  readonly zones = new Zones(() => this.now);
  readonly logged: string[] = [];
  readonly answers: Record<string, Partial<Resolved> | Error> = {};
  readonly forwarder: Forwarder;
  now = 0;

  constructor(zone: Partial<ZoneMessage> = {}) {
    this.zones.apply({ kind: 'zones', changed: [zoneMessage(zone)], gone: [] });
    const ask = async (name: string, type: AddressType): Promise<Resolved> => {
      this.asked.push(`${name} ${type}`);
      await Promise.resolve();
      const answer = this.answers[`${name} ${type}`];
      if (answer instanceof Error) throw answer;
      return { exists: true, chain: [], addresses: [], ttl: 60, ...answer };
    };
    const write = (_fields: unknown, text: string) => void this.logged.push(text);
    const news = new News({ info: write, warn: write, error: write } as never, () => this.now);
    const cache = new Cache(
      ask,
      (each) => isKeptFrom(each, []),
      () => this.now,
    );
    this.forwarder = new Forwarder({ zones: this.zones, cache, daemon: this.daemon, news, now: () => this.now });
  }

  async answer(bytes: Buffer, source = '10.75.0.3', isUdp = true) {
    const answer = await this.forwarder.answer(bytes, source, isUdp);
    return answer === undefined ? undefined : read(answer);
  }

  ask(name: string, type = 'A') {
    return this.answer(query(name, type));
  }
}
