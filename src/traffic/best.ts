/** The first so many of any number of things in an order, in the memory of twice as many. */
export class Best<Item> {
  readonly #limit: number;
  readonly #compare: (one: Item, other: Item) => number;
  #kept: Item[] = [];
  #count = 0;

  constructor(limit: number, compare: (one: Item, other: Item) => number) {
    this.#limit = limit;
    this.#compare = compare;
  }

  /** All that were added. */
  get count(): number {
    return this.#count;
  }

  add(item: Item): void {
    this.#count += 1;
    if (this.#kept.push(item) >= 2 * this.#limit) this.#kept = this.sorted();
  }

  sorted(): Item[] {
    return this.#kept.toSorted(this.#compare).slice(0, this.#limit);
  }
}
