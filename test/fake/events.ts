/** The event stream of the fake: in order, never within the call that caused it, and with nothing kept for a late watcher. */
import type { HostEvent } from '../../src/host/port.ts';

export class EventStream {
  #listener: ((event: HostEvent) => void) | undefined;
  #silenced = false;

  listen(listener: (event: HostEvent) => void): void {
    if (this.#listener !== undefined) throw new Error('watch was called twice');
    this.#listener = listener;
  }

  end(): void {
    this.#listener = undefined;
  }

  emit(event: HostEvent): void {
    if (this.#silenced || this.#listener === undefined) return;
    queueMicrotask(() => this.#listener?.(event));
  }

  /** From here on events are dropped, as on netlink overflow, until `lose` says so. */
  silence(): void {
    this.#silenced = true;
  }

  lose(reason: string): void {
    this.#silenced = false;
    this.emit({ kind: 'lost', reason });
  }
}
