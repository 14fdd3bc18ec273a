import type { Ended, RevocationReceipt } from '../api/session';
import { serverTime } from './clock';
import { formatWhen } from './formats';
import { plural, sessionsOfMembers } from './plural';
import type { Ending } from '../session/live.svelte';

/** Says at the sign-in page how the session ended. Returns null if there was none. */
export function endedSentence(
  { code, detail, ended }: Ending,
  now = new Date(serverTime()),
): string | null {
  if (code === 'no_session') return null;
  if (!ended) return detail;
  return `${howItEnded(ended, now)} ${canReturn(ended) ? 'Sign in again.' : ASK}`;
}

/** Says over the page why it can go no further. */
export function endedWords({ code, ended }: Ending, now = new Date(serverTime())): string {
  if (ended) return `${howItEnded(ended, now)}${canReturn(ended) ? '' : ` ${ASK}`}`;
  return code === 'no_session'
    ? 'Nobody is signed in here any more.'
    : 'The server does not know this session any more.';
}

/** Reports whether signing in again can help. */
export function canReturn(ended: Ended | undefined): boolean {
  return ended?.reason !== 'member_deactivated';
}

const ASK = 'You cannot sign in any more. Ask an owner or an admin.';

function howItEnded({ reason, at, by, note }: Ended, now: Date): string {
  const when = formatWhen(new Date(at), now);
  switch (reason) {
    case 'revoked_all':
      return `${by ?? 'Somebody'} revoked all sessions ${when}${note ? `: ${stopped(note)}` : '.'}`;
    case 'revoked_member':
      return `${by ?? 'An admin'} signed you out everywhere ${when}.`;
    case 'revoked':
      return `${by ?? 'An admin'} ended this session ${when}.`;
    case 'expired':
      return `Your session expired ${when}.`;
    case 'signed_out':
      return `You signed out ${when}.`;
    case 'token_reuse':
      return `Your session was ended ${when} because a copy of it was in use elsewhere.`;
    case 'member_deactivated':
      return `Your account was deactivated ${when}.`;
    case 'credential_changed':
      return `Your password or second factor was changed ${when}.`;
  }
}

/** What revoking all sessions did, for the one who did it. */
export function receiptSentence(receipt: RevocationReceipt, now = new Date(serverTime())): string {
  const { revokedAt, sessionsEnded, membersSignedOut, linksWithdrawn } = receipt;
  const ended = `${sessionsOfMembers(sessionsEnded, membersSignedOut)} ended`;
  const links = linksWithdrawn ? `, ${plural(linksWithdrawn, 'open link')} withdrawn` : '';
  return `You signed everyone out ${formatWhen(new Date(revokedAt), now)}: ${ended}${links}.`;
}

function stopped(note: string): string {
  return /[.!?…]$/.test(note.trim()) ? note.trim() : `${note.trim()}.`;
}
