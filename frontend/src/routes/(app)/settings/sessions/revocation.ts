import type { Member } from '$lib/api/members';
import type { Session, SessionFilters } from '$lib/api/session';
import { plural, sessionsOfMembers } from '$lib/text/plural';
import type { Revoked } from './revoke';
import { bidiIsolate } from '$lib/text/bidi-isolate';

/** What a person is about to revoke: certain sessions, all that match, or all of a member. */
export type Target =
  | { kind: 'sessions'; sessions: Session[] }
  | { kind: 'matching'; filters: SessionFilters; total: number; yours: boolean }
  | { kind: 'member'; member: Pick<Member, 'id' | 'name' | 'email'>; yours: boolean };

export function isYours(target: Target): boolean {
  return target.kind !== 'sessions' ? target.yours : target.sessions.some(({ current }) => current);
}

export function question(target: Target): string {
  if (target.kind === 'member') return `Revoke all sessions of ${bidiIsolate(target.member.name)}?`;
  if (target.kind === 'matching') return `Revoke ${plural(target.total, 'session')}?`;
  const { length } = target.sessions;
  return length === 1 ? 'Revoke this session?' : `Revoke ${plural(length, 'session')}?`;
}

/** What revoking does. How many sessions a member has is read first, if it is about one. */
export function consequence(target: Target, ofMember: number | null): string {
  if (target.kind === 'member') {
    const name = bidiIsolate(target.member.name);
    if (ofMember === null) return `Counting the sessions of ${name}…`;
    const ends = `This ends ${plural(ofMember, 'session')} of ${name} at once.`;
    return target.yours ? `${ends} ${YOURS_TOO}` : ends;
  }
  if (target.kind === 'matching') {
    const { total, yours } = target;
    const ends = `This ends ${total === 1 ? 'the session' : `all ${plural(total, 'session')}`} that match${total === 1 ? 'es' : ''} at once.`;
    return yours ? `${ends} ${YOURS_TOO}` : ends;
  }
  const [first] = target.sessions;
  if (first && target.sessions.length === 1) {
    if (first.current) return 'You are using this session. It ends at once, and you sign in again.';
    return `This signs ${bidiIsolate(first.member?.name ?? 'a member')} out on this device at once.`;
  }
  const members = new Set(target.sessions.map(({ memberId }) => memberId)).size;
  const ends = `This ends ${sessionsOfMembers(target.sessions.length, members)} at once.`;
  return isYours(target) ? `${ends} ${YOURS_TOO}` : ends;
}

/** How many sessions of the member stay. */
export function othersStay(others: number): string {
  if (others === 0) return 'This member has no other session.';
  return `${plural(others, 'other session')} of this member ${others === 1 ? 'stays' : 'stay'}.`;
}

/** What revoking did. */
export function revokedSentence({ ended, skipped }: Revoked): string {
  const sentence = `${plural(ended, 'session was', 'sessions were')} revoked.`;
  if (skipped > 0) {
    const one = 'session of a member above you stays';
    return `${sentence} ${plural(skipped, one, 'sessions of members above you stay')}.`;
  }
  return ended === 0 ? 'It had ended already.' : sentence;
}

const YOURS_TOO = 'The one you are using is among them: you sign in again afterwards.';
