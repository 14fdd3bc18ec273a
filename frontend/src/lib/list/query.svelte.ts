import { goto } from '$app/navigation';
import { page } from '$app/state';
import { withQuery } from './address';

/**
 * What a list is asked for, kept in the address: it can be shared, survives a reload, and the back
 * button takes a choice back.
 */
export class Query<K extends string> {
  readonly #names: readonly K[];
  /** The values by their names. A value that is not set is empty. */
  readonly values = $derived.by(() => JSON.parse(this.#own) as Record<K, string>);

  /** The values as a text, so that they stay the same while other parts of the address change. */
  readonly #own = $derived.by(() =>
    JSON.stringify(valuesOf(this.#names, (name) => page.url.searchParams.get(name) ?? '')),
  );

  /** The address of a change that is still under way. The next change builds on it. */
  #ahead: URL | null = null;

  constructor(...names: K[]) {
    this.#names = names;
  }

  /** Reports whether any of the names has a value. */
  has(...names: K[]): boolean {
    return names.some((name) => this.values[name] !== '');
  }

  /**
   * Changes the named values. It adds a step to the history or, during typing, replaces the last
   * one.
   */
  async set(changes: Partial<Record<K, string>>, step: 'push' | 'replace' = 'push') {
    const from = this.#ahead ?? page.url;
    const url = withQuery(from, Object.entries<string>(changes as Record<K, string>));
    if (url.href === from.href) return;
    this.#ahead = url;
    await goto(url, { replaceState: step === 'replace', keepFocus: true, noScroll: true });
    if (this.#ahead === url) this.#ahead = null;
  }

  /** Takes the values away. */
  clear(...names: K[]) {
    return this.set(valuesOf(names, () => ''));
  }
}

function valuesOf<K extends string>(names: readonly K[], valueOf: (name: K) => string) {
  return Object.fromEntries(names.map((name) => [name, valueOf(name)])) as Record<K, string>;
}
