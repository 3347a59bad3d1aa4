/** What policies kept zones from, or would have: the youngest of each zone, and lines in the log. */
import type { HostEvent } from '../host/port.ts';
import type { LinkName } from '../model/link-name.ts';
import { auditedChain } from '../nft/names.ts';
import type { Mode, Transport } from '../policy/model.ts';
import { type Log, tell } from '../words/log-messages.ts';

/** Something that a zone wanted and no rule allows. */
export interface Denial {
  /** Unix milliseconds of the last time that the kernel, or the forwarder, told of it. */
  readonly at: number;
  /** So often it was told; the kernel tells of a destination once a minute. */
  readonly times: number;
  readonly mode: Mode;
  /** The name that was asked for, or that the address had for the zone; undefined where none is known. */
  readonly name: string | undefined;
  /** Undefined where it did not get further than its name. */
  readonly address: string | undefined;
  /** Undefined of what is none of these, and of names. */
  readonly transport: Transport | 'icmp' | undefined;
  readonly port: number | undefined;
}

/** Of each link. */
export const maxDenials = 256;
const quietMs = 60_000;

type DenialLog = Log<'denied' | 'audited' | 'nameDenied' | 'nameAudited'>;

export class Denials {
  readonly #log: DenialLog;
  readonly #byLink = new Map<LinkName, Map<string, Denial>>();

  constructor(log: DenialLog) {
    this.#log = log;
  }

  /** The youngest first. */
  of(link: LinkName): Denial[] {
    return [...(this.#byLink.get(link)?.values() ?? [])].sort((one, other) => other.at - one.at);
  }

  /** `zone`: what people call it; `name`: what the zone called the address. */
  heardPacket(
    link: LinkName,
    zone: string,
    name: string | undefined,
    packet: Extract<HostEvent, { kind: 'traced' }>,
  ): void {
    const mode = packet.chain === auditedChain ? 'audit' : 'enforce';
    const { destination: address, transport, port } = packet;
    const isNews = this.#take(link, { mode, name, address, transport, port, times: 1 });
    if (!isNews) return;
    const behind = port === undefined ? '' : `:${port}${transport === 'udp' ? '/udp' : ''}`;
    const plain = address.includes(':') && port !== undefined ? `[${address}]${behind}` : `${address}${behind}`;
    const destination = name === undefined ? plain : `${name}${behind} (${address})`;
    const fields = {
      link,
      zone,
      destination: address,
      ...(port !== undefined && { port }),
      ...(name !== undefined && { name }),
    };
    tell(this.#log, mode === 'audit' ? 'audited' : 'denied', { zone, destination }, fields);
  }

  heardName(link: LinkName, zone: string, mode: Mode, name: string, times: number): void {
    const isNews = this.#take(link, { mode, name, address: undefined, transport: undefined, port: undefined, times });
    if (isNews) tell(this.#log, mode === 'audit' ? 'nameAudited' : 'nameDenied', { zone, name }, { link, zone, name });
  }

  forget(link: LinkName): void {
    this.#byLink.delete(link);
  }

  /** Returns whether it is worth a line. */
  #take(link: LinkName, denial: Omit<Denial, 'at'>): boolean {
    const denials = this.#byLink.get(link) ?? new Map<string, Denial>();
    this.#byLink.set(link, denials);
    const key = `${denial.mode} ${denial.address ?? denial.name} ${denial.transport} ${denial.port}`;
    const [known, at] = [denials.get(key), Date.now()];
    denials.delete(key);
    const [oldest] = denials.keys();
    if (oldest !== undefined && denials.size >= maxDenials) denials.delete(oldest);
    denials.set(key, { ...denial, at, times: (known?.times ?? 0) + denial.times });
    return known === undefined || at - known.at >= quietMs;
  }
}
