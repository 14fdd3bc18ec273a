import type { Problem } from './api/problem';
import type { Ended, RevocationReceipt } from './api/session';

/** Tells a person at the sign-in page why they are there; nothing where there was no session at all. */
export function endedSentence(problem: Problem, now = new Date()): string | null {
  const { ended, detail } = problem.document;
  if (problem.code === 'no_session') return null;
  return ended ? `${howItEnded(ended, now)} Sign in again.` : detail;
}

function howItEnded({ reason, at, by, note }: Ended, now: Date): string {
  const when = clock(new Date(at), now);
  switch (reason) {
    case 'revoked_all':
      return `${by ?? 'Somebody'} signed everyone out ${when}${note ? `: ${stopped(note)}` : '.'}`;
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
      return `Your password was changed ${when}.`;
  }
}

/** What revoking all sessions did, for the one who did it. */
export function receiptSentence(receipt: RevocationReceipt, now = new Date()): string {
  const { revokedAt, sessionsEnded, membersSignedOut } = receipt;
  return `You signed everyone out ${clock(new Date(revokedAt), now)}: ${sessionsOfMembers(sessionsEnded, membersSignedOut)} ended.`;
}

export function sessionsOfMembers(sessions: number, members: number): string {
  return `${count(sessions, 'session')} of ${count(members, 'member')}`;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${new Intl.NumberFormat('en').format(n)} ${n === 1 ? one : many}`;
}

function stopped(note: string): string {
  return /[.!?…]$/.test(note.trim()) ? note.trim() : `${note.trim()}.`;
}

function clock(at: Date, now: Date): string {
  const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' }).format(at);
  if (at.toDateString() === now.toDateString()) return `at ${time}`;
  return `on ${new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long' }).format(at)} at ${time}`;
}
