import type { Effect } from '$lib/api/settings';
import { formatNumber } from '$lib/text/formats';
import { plural } from '$lib/text/plural';

/** What saving does at once, in a sentence. */
export function effectSentence({ atOnce, yours }: Effect): string {
  if (atOnce.sessions === 0) return 'No one is signed out at once.';
  const whose = yours ? 'Yours ends too.' : 'Yours stays.';
  return `${plural(atOnce.sessions, 'session ends', 'sessions end')} at once, of ${plural(atOnce.members, 'member')}. ${whose}`;
}

/** The same next to the button, in as few words. */
export function effectNote({ atOnce }: Effect): string {
  return atOnce.sessions === 0
    ? 'Signs no one out at once'
    : `Signs out ${plural(atOnce.sessions, 'session')} at once`;
}

/** A few of those who are signed out, and how many more there are, which must never be cut off. */
export function namedWords({ atOnce, named }: Effect): { names: string; more: string } {
  const more = atOnce.members - named.length;
  const names = named.map(({ name }) => (named.length > 1 ? firstName(name) : name));
  if (more > 0) return { names: names.join(', '), more: ` and ${formatNumber(more)} more` };
  const last = names.length > 1 ? ` and ${names.pop()}` : '';
  return { names: names.join(', ') + last, more: '' };
}

function firstName(name: string): string {
  return /^\S+/.exec(name)?.[0] ?? name;
}
