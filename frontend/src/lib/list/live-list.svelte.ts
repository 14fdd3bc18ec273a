import { untrack } from 'svelte';
import { passive } from '../api/client';
import { live } from '../session/live.svelte';
import { sortFrom, type Column, type Sort } from '../ui/table';
import { Pages, type Page } from './pages.svelte';
import { Query } from './query.svelte';

/** The most rows that the server returns at once. */
const MOST = 200;

/**
 * What a list does when its items may have changed. `count` reads how many there are, and leaves
 * the rows to the person. `rows` updates the rows that are shown in place. `all` reads the first
 * page again, after a break only. A list without a mode changes only when it is asked to.
 */
type Refresh = 'count' | 'rows' | 'all';

interface Options<T, Q extends object, F extends string> {
  /** Reads a page. The headers mark a request that no person caused. */
  read: (query: Q & { cursor?: string; limit?: number }, headers: HeadersInit) => Promise<Page<T>>;
  keyOf: (item: T) => string | number;
  /** The names of the filters in the address. */
  filters?: readonly F[];
  columns?: () => Column<T>[];
  /** The order if the address asks for none. */
  sort?: Sort;
  /** What to ask the server for, by the address. */
  question?: (values: Record<F, string>, sort: Sort) => Q;
  refresh?: Refresh;
  /** Reports whether a row stays that is no longer in the list. */
  keeps?: (item: T) => boolean;
}

/**
 * The list of a page: what the address asks for, the pages read so far, and keeping them current.
 * It has to be made while the page's component is.
 */
export class LiveList<T, Q extends object, F extends string = never> extends Pages<T> {
  readonly query: Query<F | 'sort' | 'order'>;
  /** What the rows answer. Later pages repeat it, so that "today" stays the same day. */
  question = $state.raw({} as Q);
  /** How many items there are by now, if that differs from `total`. */
  meanwhile = $state<number | null>(null);
  readonly sort: Sort | undefined = $derived.by(() => {
    const { columns, sort } = this.#options;
    return columns && sort && sortFrom(this.query.values, columns(), sort);
  });
  /** Clears the filters, if there are any. */
  readonly clear = $derived.by(() => {
    const { filters = [] } = this.#options;
    return this.query.has(...filters) ? () => this.query.clear(...filters) : undefined;
  });

  readonly #options: Options<T, Q, F>;
  #headers: HeadersInit = {};

  constructor(options: Options<T, Q, F>) {
    super((cursor) => this.#ask(cursor), options.keyOf);
    this.#options = options;
    this.query = new Query<F | 'sort' | 'order'>(...(options.filters ?? []), 'sort', 'order');
    $effect(() => {
      void this.query.values;
      void untrack(this.reload);
    });
    $effect(() =>
      options.refresh === 'count' || options.refresh === 'rows'
        ? live.onSessionsChanged(this.refresh)
        : live.onReturn(this.refresh),
    );
  }

  /** Brings the list up to date in the background. */
  refresh = async () => {
    const { refresh } = this.#options;
    if (refresh === 'all') {
      await this.#reloadPassively();
    } else if (this.stale || !this.loaded) {
      // If the session ended before the answer came, nothing else asks again.
      if (!this.loading && this.error === null) await this.reload();
    } else if (refresh) {
      // Without an answer the rows may be old. The next click shows an outage.
      await this.#update(refresh).catch(() => {});
    }
  };

  sortBy({ key, order }: Sort) {
    return this.query.set({ sort: key, order } as Partial<Record<F | 'sort' | 'order', string>>);
  }

  /**
   * Shows what became of an item. Its row stays where it is, even if the order or the filters
   * say otherwise.
   */
  update(changed: T) {
    const key = this.keyOf(changed);
    this.items = this.items.map((item) => (this.keyOf(item) === key ? changed : item));
  }

  #ask(cursor: string | undefined): Promise<Page<T>> {
    const { question, read } = this.#options;
    if (cursor !== undefined) return read({ ...this.question, cursor }, this.#headers);
    this.meanwhile = null;
    if (question) this.question = question(this.query.values, this.sort as Sort);
    return read(this.question, this.#headers);
  }

  async #update(refresh: 'count' | 'rows') {
    const asked = this.question;
    const limit = refresh === 'count' ? 1 : Math.min(this.items.length + 20, MOST);
    const { items, total = 0 } = await this.#options.read({ ...asked, limit }, passive);
    if (asked !== this.question || this.stale) return;
    if (refresh === 'count') {
      this.meanwhile = total === this.total ? null : total;
      return;
    }
    const now = (item: T) => items.find((other) => this.keyOf(other) === this.keyOf(item));
    // In a part of the list, an item that is missing may only have moved.
    const all = total <= limit && !this.clear;
    this.items = this.items
      .filter((item) => !all || now(item) || this.#options.keeps?.(item))
      .map((item) => now(item) ?? item);
    this.total = total;
  }

  #reloadPassively() {
    this.#headers = passive;
    const reloaded = this.reload();
    this.#headers = {};
    return reloaded;
  }
}
