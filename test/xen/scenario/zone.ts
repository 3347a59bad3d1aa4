/** Real zones, made by `xl`. They are spoken to by their consoles, as nobody's network can be relied upon here. */
import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { waitFor } from '../../lab/wait-for.ts';
import { mustRun, run } from './shell.ts';

export interface ZoneOptions {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly type?: 'pv' | 'pvh';
  /** False: xenstore says nothing of its addresses. Default true. */
  readonly told?: boolean;
  /** Whom it pings from its start until it is answered. */
  readonly ping?: string;
}

export interface Result {
  readonly exitCode: number;
  readonly output: string;
}

let macs = 0;
let commands = 0;

export class Zone {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly mac: string;
  domid = -1;
  #console: number | undefined;
  /** How many of the boots in its log are over, or known. */
  #met: number;

  constructor({ name, ipv4, ipv6 }: ZoneOptions) {
    macs += 1;
    this.name = name;
    this.ipv4 = ipv4;
    this.ipv6 = ipv6;
    this.#met = this.#shells;
    this.mac = `00:16:3e:4b:00:${macs.toString(16).padStart(2, '0')}`;
  }

  get link(): string {
    return `vif${this.domid}.0`;
  }

  get log(): string {
    return consoleLog(this.name);
  }

  get #shells(): number {
    return this.log.split('@@shell').length - 1;
  }

  /** Waits until the shell of its next boot listens; its domain may be another then. */
  async meet(): Promise<void> {
    await waitFor(() => this.#shells > this.#met, { what: `${this.name}'s shell`, ...patience });
    this.#met = this.#shells;
    await this.leave();
    this.domid = Number(await mustRun('xl', ['domid', this.name]));
    const tty = (await mustRun('xenstore-read', [`/local/domain/${this.domid}/console/tty`])).trim();
    await mustRun('stty', ['-F', tty, 'raw', '-echo']);
    this.#console = openSync(tty, 'w');
  }

  /** Lets go of its console. */
  async leave(): Promise<void> {
    if (this.#console !== undefined) closeSync(this.#console);
    this.#console = undefined;
  }

  /** Runs a line of shell in it, as root. */
  async exec(line: string, deadlineMs = patience.deadlineMs): Promise<Result> {
    commands += 1;
    const [number, before] = [commands, this.log.length];
    this.type(`${number} ${line}`);
    const mark = new RegExp(`^([^]*)@@${number} rc=(\\d+)\n`);
    const what = `${this.name} to have done: ${line}`;
    const found = await waitFor(() => mark.exec(this.log.slice(before)) ?? undefined, {
      what,
      everyMs: 150,
      deadlineMs,
    });
    return { exitCode: Number(found[2]), output: found[1] ?? '' };
  }

  async must(line: string, deadlineMs?: number): Promise<string> {
    const { exitCode, output } = await this.exec(line, deadlineMs);
    if (exitCode !== 0) throw new Error(`${this.name}: ${line}: ended with ${exitCode}: ${output}`);
    return output;
  }

  /** Waits for nothing: for what ends it. */
  type(line: string): void {
    if (this.#console === undefined) throw new Error(`${this.name} has no console`);
    writeSync(this.#console, `${line}\n`);
  }

  async reaches(address: string): Promise<boolean> {
    return (await this.exec(`ping -c 1 -W 3 ${address} || ping -c 2 -W 5 ${address}`)).exitCode === 0;
  }

  /** What comes back from a TCP echo. */
  async tcp(address: string, port = 7): Promise<string> {
    return (await this.exec(`echo spoken | nc.openbsd -N -w 4 ${address} ${port}`)).output.trim();
  }

  /** What comes back from a UDP echo. */
  async udp(address: string, port = 7): Promise<string> {
    return (await this.exec(`echo spoken | nc.openbsd -u -w 2 ${address} ${port}`)).output.trim();
  }

  async destroy(): Promise<void> {
    await this.leave();
    await mustRun('xl', ['destroy', this.name]);
  }
}

/** Of every domain that ever had this name. */
export function consoleLog(name: string): string {
  const file = `/var/log/xen/console/guest-${name}.log`;
  return existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\r', '') : '';
}

/** Emulation is slow, and others may want the machine; each look takes from the one processor that all share. */
export const patience = { deadlineMs: 120_000, everyMs: 400 };

/** `xl create`; the zone is still booting on return. */
export async function createZone(options: ZoneOptions): Promise<Zone> {
  const zone = new Zone(options);
  const file = `/tmp/${zone.name}.cfg`;
  writeFileSync(file, configuration(zone, options));
  await mustRun('xl', ['create', file], { timeoutMs: 120_000 });
  zone.domid = Number(await mustRun('xl', ['domid', zone.name]));
  return zone;
}

/** Domains with a vif in xenstore, as `vif1.0`. */
export async function knownVifs(): Promise<string[]> {
  const { stdout } = await run('xenstore-ls', ['-f', '/local/domain/0/backend/vif']);
  const found = stdout.split('\n').flatMap((line) => /\/vif\/(\d+)\/(\d+) =/.exec(line)?.slice(1).join('.') ?? []);
  return found.map((name) => `vif${name}`);
}

function configuration({ name, mac, ipv4, ipv6 }: Zone, { type = 'pv', told = true, ping }: ZoneOptions): string {
  const words = ['console=hvc0', 'quiet', 'loglevel=3', 'mitigations=off', `zone.ipv4=${ipv4}`, `zone.ipv6=${ipv6}`];
  const extra = [...words, ...(ping === undefined ? [] : [`zone.ping=${ping}`])].join(' ');
  const vif = [`mac=${mac}`, ...(told ? [`ip=${ipv4} ${ipv6}`] : []), 'script=vif-connected'].join(',');
  return `name = "${name}"
type = "${type}"
kernel = "/boot/vmlinux"
ramdisk = "/input/zone.initrd"
extra = "${extra}"
memory = 96
maxmem = 96
vcpus = 1
vif = [ "${vif}" ]
on_crash = "destroy"
`;
}
