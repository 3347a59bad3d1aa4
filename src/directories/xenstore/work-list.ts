/** What is to be read again: the list of domains, domains that changed, and the rest of a full re-reading. */
const sliceOfResync = 32;

export class WorkList {
  #list = false;
  #resync = false;
  readonly #changed = new Set<number>();
  readonly #rest = new Set<number>();

  get empty(): boolean {
    return !this.#list && this.#changed.size === 0 && this.#rest.size === 0;
  }

  /** True from `addEverything` until the last domain of it was taken. */
  get resyncing(): boolean {
    return this.#resync || this.#rest.size > 0;
  }

  addList(): void {
    this.#list = true;
  }

  addDomain(domid: number): void {
    this.#changed.add(domid);
  }

  /** The list, and then every domain on it. */
  addEverything(): void {
    this.#list = true;
    this.#resync = true;
  }

  /** Says what of the list is to be done; undefined where it need not be read. */
  takeList(): 'everything' | 'what is new' | undefined {
    if (!this.#list) return undefined;
    this.#list = false;
    return this.#resync ? 'everything' : 'what is new';
  }

  /** To be called when the list for `everything` is there. */
  resyncOf(domids: Iterable<number>): void {
    this.#resync = false;
    for (const domid of domids) this.#rest.add(domid);
  }

  forget(domid: number): void {
    this.#changed.delete(domid);
    this.#rest.delete(domid);
  }

  /** All domains that changed, or else a slice of the full re-reading; `fully` says which. */
  takeDomains(): { domids: number[]; fully: boolean } {
    const fully = this.#changed.size === 0;
    const domids = fully ? [...this.#rest].slice(0, sliceOfResync) : [...this.#changed];
    for (const domid of domids) (fully ? this.#rest : this.#changed).delete(domid);
    return { domids, fully };
  }
}
