import type { AuditEntry } from '$lib/api/audit';
import { entryMore, entryWords } from '$lib/text/audit-words';

/** Reports whether an entry is a failed attempt, which changed nothing. */
export const isRefusal = ({ action }: AuditEntry) =>
  action === 'session.refused' || action === 'session.reauthentication_refused';

/** An entry, and how often the same happened in a row. */
export interface Happening {
  /** The newest of them. */
  entry: AuditEntry;
  words: string;
  /** On what device, from where. */
  more: string;
  times: number;
}

/** Folds attempts that failed alike, one after the other. Entries come with the newest first. */
export function happenings(entries: AuditEntry[], self: string): Happening[] {
  const folded: Happening[] = [];
  for (const entry of entries) {
    const words = entryWords(entry, { self });
    const more = entryMore(entry, { self }).join(' · ');
    const last = folded.at(-1);
    if (isRefusal(entry) && last?.words === words && last.more === more) last.times++;
    else folded.push({ entry, words, more, times: 1 });
  }
  return folded;
}
