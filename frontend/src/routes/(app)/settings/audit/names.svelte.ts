import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { AuditEntry } from '$lib/api/audit';
import { getMember } from '$lib/api/members';
import { memberOf, namesIn } from '$lib/text/audit-words';

/**
 * The names of the members that entries are about. An entry names who acted, and often not who it
 * was done to.
 */
export class Names {
  readonly #known = new SvelteMap<string, string>();
  readonly #asked = new SvelteSet<string>();

  of = (id: string) => this.#known.get(id);

  /** Entries come newest first, so the first name is the current one. */
  know(id: string, name: string) {
    if (name && !this.#known.has(id)) this.#known.set(id, name);
  }

  /** Takes the names from the entries, and asks for those that are missing. */
  learn(entries: AuditEntry[]) {
    for (const [id, name] of namesIn(entries)) this.know(id, name);
    for (const id of entries.map(memberOf)) if (id !== null) this.ask(id);
  }

  ask(id: string) {
    if (!id || this.#known.has(id) || this.#asked.has(id)) return;
    this.#asked.add(id);
    // Without an answer the entry says "another member", which is not wrong.
    void getMember(id).then(
      ({ name, email }) => this.know(id, name || email),
      () => undefined,
    );
  }
}
