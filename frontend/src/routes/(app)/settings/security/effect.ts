import type { Effect } from '$lib/api/settings';
import type { SessionSummary } from '$lib/api/session';
import { sessionsOfMembers } from '$lib/text/plural';

/** What saving does at once, in a sentence. */
export function effectSentence({ atOnce, yours }: Effect): string {
  if (atOnce.sessions === 0) return 'Saving signs nobody out at once.';
  const whose = !yours ? '' : atOnce.sessions === 1 ? ': yours' : ', yours included';
  return `Saving signs out ${people(atOnce)} at once${whose}.`;
}

/** The same for the button, or null if no one is signed out. */
export function effectNote({ atOnce }: Effect): string | null {
  return atOnce.sessions === 0 ? null : `Signs out ${people(atOnce)} at once`;
}

/** How many sessions and members it affects. */
export function people({ sessions, members }: SessionSummary): string {
  return sessions === 0 ? 'nobody' : sessionsOfMembers(sessions, members);
}
