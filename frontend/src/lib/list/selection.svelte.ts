import { SvelteMap } from 'svelte/reactivity';
import type { Pages } from './pages.svelte';

/** The rows of a list that a person has selected. They stay while more are loaded. */
export class Selection<T> {
  /** Whether everything is selected that the list's filters match, rows that are not shown too. */
  all = $state(false);
  readonly items = new SvelteMap<string | number, T>();
  readonly size = $derived.by(() => (this.all ? (this.#list.total ?? 0) : this.items.size));

  readonly #list: Pages<T>;
  /** Where a range begins. */
  #last: T | undefined;

  constructor(list: Pages<T>) {
    this.#list = list;
  }

  has(item: T): boolean {
    return this.all || this.items.has(this.#list.keyOf(item));
  }

  /** Selects the row or leaves it. A range is selected from the row before to this one. */
  toggle(item: T, range = false) {
    const shown = this.#list.items;
    const from = this.#last === undefined ? -1 : shown.indexOf(this.#last);
    const to = shown.indexOf(item);
    if (this.all) this.#leaveAll();
    if (range && from >= 0) {
      this.add(...shown.slice(Math.min(from, to), Math.max(from, to) + 1));
    } else if (!this.items.delete(this.#list.keyOf(item))) {
      this.add(item);
    }
    this.#last = item;
  }

  add(...items: T[]) {
    for (const item of items) this.items.set(this.#list.keyOf(item), item);
  }

  clear = () => {
    this.all = false;
    this.items.clear();
    this.#last = undefined;
  };

  #leaveAll() {
    this.all = false;
    this.add(...this.#list.items);
  }
}
