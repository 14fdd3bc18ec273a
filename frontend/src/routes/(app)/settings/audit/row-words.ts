import { bidiIsolate } from '$lib/text/bidi-isolate';
import { entryMore, entryParts, type Part, type Reader } from '$lib/text/audit-words';
import { formatNumber, formatTimeOfDay } from '$lib/text/formats';
import type { Row } from './folding';

/** What a row says: a sentence, how many times, and what stands after it in grey. */
interface RowWords {
  parts: Part[];
  times?: string;
  more: string[];
  /** From when to when, of several. */
  span?: string | undefined;
}

export function rowWords({ entry, entries }: Row, reader: Reader): RowWords {
  const parts = entryParts(entry, reader, true);
  if (entries.length === 1) return { parts, more: entryMore(entry, reader) };
  const last = entries.at(-1) ?? entry;
  const [from, to] = [last, entry].map(({ at }) => formatTimeOfDay(new Date(at)));
  const span = from === to ? from : `${from}–${to}`;
  const times = formatNumber(entries.length);
  if (entry.action !== 'session.started') {
    return { parts, times, more: entry.address ? [entry.address] : [], span };
  }
  const people = new Map(entries.map(({ actor }) => [actor.id, actor.name]));
  if (people.size === 1)
    return { parts: [{ name: entry.actor.name }, ' signed in'], times, more: [], span };
  return {
    parts: [{ name: `${formatNumber(people.size)} members` }, ' signed in'],
    more: [names([...people.values()])],
    span,
  };
}

/** The first names, and how many more there are. */
function names(all: string[]): string {
  const shown = all.slice(0, 3).map(bidiIsolate);
  const rest = all.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${formatNumber(rest)} more`;
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
