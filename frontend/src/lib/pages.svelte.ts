interface Page<T> {
  items: T[];
  nextCursor?: string | undefined;
}

/** A list that the server hands out in pages. */
export class Pages<T> {
  items = $state.raw<T[]>([]);
  /** Whether the first page is here. An empty list is not one that was never read. */
  loaded = $state(false);
  loading = $state(false);
  error = $state.raw<unknown>(null);

  #cursor = $state.raw<string | undefined>();
  readonly hasMore = $derived(this.#cursor !== undefined);

  readonly #read: (cursor?: string) => Promise<Page<T>>;
  readonly #keyOf: (item: T) => unknown;
  #latest = 0;

  constructor(read: (cursor?: string) => Promise<Page<T>>, keyOf: (item: T) => unknown) {
    this.#read = read;
    this.#keyOf = keyOf;
  }

  /** Begins anew; what was shown stays until the answer. */
  reload = () => this.#load(undefined);

  /** Goes on: after a failure, from where it failed. */
  more = () => this.#load(this.#cursor);

  remove(item: T) {
    this.items = this.items.filter((other) => other !== item);
  }

  async #load(cursor: string | undefined) {
    const load = ++this.#latest;
    this.loading = true;
    this.error = null;
    try {
      const page = await this.#read(cursor);
      if (load !== this.#latest) return;
      const seen = cursor ? this.items : [];
      // A list that moves between two pages may name something twice.
      const keys = seen.map(this.#keyOf);
      this.items = [...seen, ...page.items.filter((item) => !keys.includes(this.#keyOf(item)))];
      this.#cursor = page.nextCursor;
      this.loaded = true;
    } catch (error) {
      if (load === this.#latest) this.error = error;
    } finally {
      if (load === this.#latest) this.loading = false;
    }
  }
}
