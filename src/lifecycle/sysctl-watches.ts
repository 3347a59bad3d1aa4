/** Which links' sysctls are watched for foreign writes: those that are served, under the name they have. */
import type { Sysctl } from '../host/port.ts';
import type { LinkName } from '../model/link-name.ts';
import type { Plan } from './pass-plan.ts';
import type { ZoneRecords } from './zone-record.ts';

export class SysctlWatches {
  readonly #sysctl: Sysctl;
  readonly #news: () => void;
  readonly #names = new Map<number, LinkName>();
  /** How many links bear a name: it may belong to a new link already, whose watch is not to be ended. */
  readonly #bearers = new Map<LinkName, number>();
  readonly #awaiting = new Set<number>();
  #isFollowing = false;

  /** `news` is called when there is a problem to report that the last pass could not know of. */
  constructor(sysctl: Sysctl, news: () => void) {
    this.#sysctl = sysctl;
    this.#news = news;
  }

  /**
   * Brings the watches up to date for the links in `scope`. Where sysctls had to be written, their files may be new ones:
   * a link whose MTU was too small for IPv6 for a while comes back with others.
   */
  update(records: ZoneRecords, scope: 'all' | ReadonlySet<number>, plan: Plan): void {
    const rewritten = new Set(plan.sysctls.map(({ ifindex }) => ifindex));
    const indices =
      scope === 'all' ? [...this.#names.keys(), ...records.values().map(({ ifindex }) => ifindex)] : scope;
    for (const ifindex of new Set(indices)) {
      const wanted = records.open.has(ifindex) ? records.get(ifindex)?.served?.link : undefined;
      const known = this.#names.get(ifindex);
      if (known !== undefined && known !== wanted) this.#drop(ifindex, known);
      if (wanted !== undefined && (known !== wanted || rewritten.has(ifindex))) {
        if (known !== wanted) this.#bearers.set(wanted, (this.#bearers.get(wanted) ?? 0) + 1);
        this.#names.set(ifindex, wanted);
        this.#awaiting.add(ifindex);
      }
    }
    this.#followNext();
  }

  stop(): void {
    this.#awaiting.clear();
  }

  /** One at a time, half a millisecond each: no zone that opens meanwhile waits for it. */
  #followNext(): void {
    const [ifindex] = this.#awaiting;
    if (ifindex === undefined || this.#isFollowing) return;
    this.#isFollowing = true;
    setImmediate(() => {
      this.#isFollowing = false;
      const name = this.#names.get(ifindex);
      const before = this.#sysctl.followProblem;
      if (this.#awaiting.delete(ifindex) && name !== undefined) this.#sysctl.follow(name);
      if (before === undefined && this.#sysctl.followProblem !== undefined) this.#news();
      this.#followNext();
    });
  }

  #drop(ifindex: number, name: LinkName): void {
    const left = (this.#bearers.get(name) ?? 1) - 1;
    this.#names.delete(ifindex);
    if (left > 0) this.#bearers.set(name, left);
    else {
      this.#bearers.delete(name);
      this.#sysctl.unfollow(name);
    }
  }
}
