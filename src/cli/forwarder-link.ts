/** Between the loop and the forwarder of names: what it is told after each pass, and what it asks for. */
import { dirname, join } from 'node:path';
import { resolversOf } from '../config/resolv-conf.ts';
import { ForwarderServer, type PolicyMessage } from '../control/forwarder-server.ts';
import type { ForwarderStatus, ForwarderTotals } from '../control/status.ts';
import { peerUser, userNumber } from '../host/peer-user.ts';
import { resolverPort } from '../lifecycle/desired.ts';
import type { Reconciler } from '../lifecycle/reconciler.ts';
import { messageOf } from '../model/errors.ts';
import type { ZoneMessage } from '../policy/messages.ts';
import type { PolicedZone, ZoneEgress } from '../policy/model.ts';
import { type Log, tell } from '../words/log-messages.ts';

/** Who may connect besides root and the daemon's own user. */
const forwarderUser = 'protect-network-dns';

/** Beside the control socket. */
export function forwarderSocketOf(controlSocket: string): string {
  return join(dirname(controlSocket), 'dns.sock');
}

export class ForwarderLink {
  readonly #log: Log;
  readonly #reconciler: Reconciler;
  readonly #server: ForwarderServer;
  #socket: string | undefined;
  /** A zone that is the same value may reach the same. */
  readonly #messages = new WeakMap<PolicedZone, ZoneMessage>();
  #totals: ForwarderTotals | null = null;
  #resolversAnswer = true;
  /** Unix milliseconds. */
  #since = Date.now();

  constructor(reconciler: Reconciler, log: Log) {
    this.#reconciler = reconciler;
    this.#log = log;
    this.#server = new ForwarderServer({
      mayConnect: (socket) => {
        const user = peerUser(socket);
        return user !== undefined && [0, process.geteuid?.(), userNumber(forwarderUser)].includes(user);
      },
      open: (request) => reconciler.policing.leases.open(request),
      notAllowed: ({ link, name, times }) => reconciler.policing.heardName(link, name, times),
      totals: ({ queries, answered, denied, failed, limited, resolversAnswer }) => {
        this.#totals = { queries, answered, denied, failed, limited };
        this.#resolversAnswer = resolversAnswer;
      },
      connected: (isConnected) => {
        this.#since = Date.now();
        this.#resolversAnswer = true;
        tell(log, isConnected ? 'forwarderConnected' : 'forwarderGone', {});
      },
      failed: (reason) => tell(log, 'forwarderSocket', { reason }),
    });
  }

  get status(): ForwarderStatus {
    const [connected, resolversAnswer] = [this.#server.isConnected, this.#resolversAnswer];
    return { connected, since: this.#since, resolversAnswer, totals: this.#totals };
  }

  /** Listens once there are policies; a socket that cannot be made costs names, and nothing else. */
  async settled(): Promise<void> {
    const { desired, config } = this.#reconciler.state;
    if (desired === undefined || (desired.layout.egress === undefined && this.#socket === undefined)) return;
    const policy: PolicyMessage = {
      listen: { addresses: [...desired.gateways], port: resolverPort },
      resolvers: config.settings.policy.resolvers.length > 0 ? [...config.settings.policy.resolvers] : resolversOf(),
      own: Object.values(desired.subnets).flatMap((subnet) => subnet?.prefix.text ?? []),
    };
    this.#server.say(policy, this.#zones());
    await this.#listen(forwarderSocketOf(config.settings.control.socket));
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #listen(path: string): Promise<void> {
    if (this.#socket !== undefined) return;
    this.#socket = path;
    try {
      await this.#server.listen(path);
    } catch (error) {
      tell(this.#log, 'forwarderSocket', { reason: messageOf(error) });
    }
  }

  #zones(): ZoneMessage[] {
    const { desired, accesses } = this.#reconciler.policing;
    return [...(desired()?.byLink.values() ?? [])].flatMap((zone) => {
      if (zone.access === undefined) return [];
      const egress = accesses.egressOf(zone);
      const message = this.#messages.get(zone) ?? (egress && zoneMessage(zone, egress));
      if (message !== undefined) this.#messages.set(zone, message);
      return message ?? [];
    });
  }
}

function zoneMessage({ link, name, addresses }: PolicedZone, { mode, allow, deny }: ZoneEgress): ZoneMessage {
  const names = allow.flatMap((rule) => {
    if (rule.kind === 'icmp' || rule.target.kind !== 'name') return [];
    return [{ pattern: rule.target.pattern.text, isPrivate: rule.target.isPrivate }];
  });
  const denied = deny.flatMap(({ target }) => (target.kind === 'name' ? [target.pattern.text] : []));
  return { link, ...(name !== undefined && { name }), addresses: [...addresses], mode, allow: names, deny: denied };
}
