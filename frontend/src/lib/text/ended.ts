import type { Ended, RevocationReceipt } from '../api/session';
import { serverTime } from './clock';
import { formatDay, formatNumber, formatTimeOfDay } from './formats';
import type { Ending } from '../session/live.svelte';

/** Tells a person at the sign-in page why they are there; nothing where there was no session at all. */
export function endedSentence(
  { code, detail, ended }: Ending,
  now = new Date(serverTime()),
): string | null {
  if (code === 'no_session') return null;
  if (!ended) return detail;
  return `${howItEnded(ended, now)} ${canReturn(ended) ? 'Sign in again.' : ASK}`;
}

/** Tells a person over the page why it can go no further. */
export function endedWords({ code, ended }: Ending, now = new Date(serverTime())): string {
  if (ended) return `${howItEnded(ended, now)}${canReturn(ended) ? '' : ` ${ASK}`}`;
  return code === 'no_session'
    ? 'Nobody is signed in here any more.'
    : 'The server does not know this session any more.';
}

/** Whether signing in again can help. */
export function canReturn(ended: Ended | undefined): boolean {
  return ended?.reason !== 'member_deactivated';
}

const ASK = 'You cannot sign in any more. Ask an owner or an admin.';

function howItEnded({ reason, at, by, note }: Ended, now: Date): string {
  const when = clock(new Date(at), now);
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
  const links = linksWithdrawn ? `, ${count(linksWithdrawn, 'open link')} withdrawn` : '';
  return `You signed everyone out ${clock(new Date(revokedAt), now)}: ${ended}${links}.`;
}

export function sessionsOfMembers(sessions: number, members: number): string {
  return `${count(sessions, 'session')} of ${count(members, 'member')}`;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${formatNumber(n)} ${n === 1 ? one : many}`;
}

function stopped(note: string): string {
  return /[.!?…]$/.test(note.trim()) ? note.trim() : `${note.trim()}.`;
}

/** A time of day, with its date unless that is today. */
export function clock(at: Date, now: Date): string {
  const time = formatTimeOfDay(at);
  if (at.toDateString() === now.toDateString()) return `at ${time}`;
  return `on ${formatDay(at)} at ${time}`;
}
