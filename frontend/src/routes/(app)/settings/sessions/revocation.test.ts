import { describe, expect, it } from 'vitest';
import type { Session } from '$lib/api/session';
import {
  consequence,
  isYours,
  othersStay,
  question,
  revokedSentence,
  type Target,
} from './revocation';

const session = (memberId: string, current = false) =>
  ({
    memberId,
    current,
    member: { name: memberId === 'a' ? 'Ana' : 'Ben' },
    client: { address: '', userAgent: '', browser: 'Firefox', os: 'Windows', device: 'desktop' },
  }) as Session;
const sessions = (...picked: Session[]): Target => ({ kind: 'sessions', sessions: picked });
const matching = (total: number, yours = false): Target => ({
  kind: 'matching',
  filters: {},
  total,
  yours,
});
const ben = (yours = false): Target => ({
  kind: 'member',
  member: { id: 'b', name: 'Ben', email: 'ben@example.org' },
  yours,
});

describe('what revoking does is said beforehand', () => {
  it.each([
    [sessions(session('b')), null, 'This signs Ben out on this device at once.'],
    [
      sessions(session('a', true)),
      null,
      'You are using this session. It ends at once, and you sign in again.',
    ],
    [
      sessions(session('b'), session('b'), session('a')),
      null,
      'This ends 3 sessions of 2 members at once.',
    ],
    [
      sessions(session('b'), session('a', true)),
      null,
      'This ends 2 sessions of 2 members at once. The one you are using is among them: you sign in again afterwards.',
    ],
    [matching(1201), null, 'This ends all 1,201 sessions that match at once.'],
    [
      matching(1, true),
      null,
      'This ends the session that matches at once. The one you are using is among them: you sign in again afterwards.',
    ],
    [ben(), null, 'Counting the sessions of Ben…'],
    [ben(), 1204, 'This ends 1,204 sessions of Ben at once.'],
    [
      ben(true),
      1,
      'This ends 1 session of Ben at once. The one you are using is among them: you sign in again afterwards.',
    ],
  ])('%#', (target, ofMember, expected) => expect(consequence(target, ofMember)).toBe(expected));
});

it('asks by number or by name', () => {
  expect(question(sessions(session('b')))).toBe('Revoke this session?');
  expect(question(sessions(session('b'), session('a')))).toBe('Revoke 2 sessions?');
  expect(question(matching(1201))).toBe('Revoke 1,201 sessions?');
  expect(question(ben())).toBe('Revoke all sessions of Ben?');
});

it('knows whether the session at hand is among them', () => {
  expect(isYours(sessions(session('b'), session('a', true)))).toBe(true);
  expect(isYours(sessions(session('b'), session('a')))).toBe(false);
  expect(isYours(ben(true))).toBe(true);
  expect(isYours(matching(3, true))).toBe(true);
});

it.each([
  [1, 0, '1 session was revoked.'],
  [0, 0, 'It had ended already.'],
  [2, 1, '2 sessions were revoked. 1 session of a member above you stays.'],
  [0, 2, '0 sessions were revoked. 2 sessions of members above you stay.'],
])('of %i that ended and %i that stay, it says so', (ended, skipped, sentence) => {
  expect(revokedSentence({ ended, skipped })).toBe(sentence);
});

it.each([
  [0, 'This member has no other session.'],
  [1, '1 other session of this member stays.'],
  [2, '2 other sessions of this member stay.'],
])('of %i others, it says whether they stay', (others, sentence) => {
  expect(othersStay(others)).toBe(sentence);
});
