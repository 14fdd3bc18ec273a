import { SessionOver } from '../api/problem';

export interface Page<T> {
  items: T[];
  nextCursor?: string | undefined;
  /** How many items there are in all pages, if the server counts them. */
  total?: number;
}

/** A list that the server returns in pages. */
export class Pages<T> {
  items = $state.raw<T[]>([]);
  total = $state.raw<number | null>(null);
  /** Whether the first page was read. Until then, an empty list means nothing. */
  loaded = $state(false);
  loading = $state(false);
  /** Whether the items answer an earlier question: the list is being read again, or that failed. */
  stale = $state(false);
  error = $state.raw<unknown>(null);

  #cursor = $state.raw<string | undefined>();
  readonly hasMore = $derived(this.#cursor !== undefined);

  readonly keyOf: (item: T) => string | number;
  readonly #read: (cursor?: string) => Promise<Page<T>>;
  #asked: string | undefined;
  #latest = 0;

  constructor(read: (cursor?: string) => Promise<Page<T>>, keyOf: (item: T) => string | number) {
    this.#read = read;
    this.keyOf = keyOf;
  }

  /** Reads the first page again. What is shown stays until the answer. */
  reload = () => {
    this.stale = true;
    return this.#load(undefined);
  };

  more = () => this.#load(this.#cursor);

  /** Repeats the request that got no answer. */
  retry = () => this.#load(this.#asked);

  remove(...gone: T[]) {
    const before = this.items.length;
    this.items = this.items.filter((item) => !gone.includes(item));
    if (this.total !== null) this.total -= before - this.items.length;
  }

  async #load(cursor: string | undefined) {
    const load = ++this.#latest;
    this.#asked = cursor;
    this.loading = true;
    this.error = null;
    try {
      const page = await this.#read(cursor);
      if (load !== this.#latest) return;
      const seen = cursor ? this.items : [];
      // A list that changes between two pages may name an item twice.
      const keys = seen.map(this.keyOf);
      this.items = [...seen, ...page.items.filter((item) => !keys.includes(this.keyOf(item)))];
      this.#cursor = page.nextCursor;
      this.total = page.total ?? null;
      this.loaded = true;
      this.stale = false;
    } catch (error) {
      if (load === this.#latest && !(error instanceof SessionOver)) this.error = error;
    } finally {
      if (load === this.#latest) this.loading = false;
    }
  }
}
