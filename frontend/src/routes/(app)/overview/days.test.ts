import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '$lib/api/audit';
import type { DayCount, Overview } from '$lib/api/overview';
import { activeWords, marksOf, sessionsSentence, signInsSentence } from './days';

const day = (date: string, sessions: number, signIns = 0): DayCount => ({
  date,
  sessions,
  members: sessions,
  signIns,
});
const DAYS = [day('2026-11-08', 400, 9), day('2026-11-09', 150, 30), day('2026-11-10', 390, 4)];

const entry = (sequence: number, more: Partial<AuditEntry>): AuditEntry => ({
  sequence,
  at: '2026-11-09T10:00:00Z',
  action: 'policy.saved',
  actor: { id: 'a', name: 'Ana Lima' },
  target: 'organization',
  address: '',
  details: {},
  hash: '',
  ...more,
});
const saved = (before: string, after: string, more: Partial<AuditEntry> = {}) =>
  entry(1, {
    details: { before: { sessionLength: before }, after: { sessionLength: after } },
    ...more,
  });
const revoked = entry(2, {
  action: 'sessions.revoked_all',
  actor: { id: 's', name: 'Siobhán Ó Briain' },
});

describe('marksOf', () => {
  it('says what changed, and who did it when', () => {
    expect(marksOf([saved('14 days', '7 days')], DAYS)).toMatchObject([
      { title: 'session length 14 → 7 days', note: 'Ana, 9 Nov', strong: false, labelled: true },
    ]);
    expect(marksOf([saved('1 day', '7 days')], DAYS)[0]?.title).toBe(
      'session length 1 day → 7 days',
    );
  });

  it('marks a day once: a revocation counts before a policy', () => {
    const marks = marksOf([saved('7 days', '14 days'), revoked], DAYS);
    expect(marks).toMatchObject([{ title: 'everyone signed out', by: 'Siobhán', strong: true }]);
  });

  it('labels no save after which there were more, and none of a day without counts', () => {
    const later = { at: '2026-11-10T10:00:00Z' };
    expect(marksOf([saved('1 day', '7 days', later)], DAYS)).toMatchObject([{ labelled: false }]);
    expect(marksOf([saved('1 day', '7 days', { at: '2026-11-07T10:00:00Z' })], DAYS)).toEqual([]);
  });
});

describe('the sentences of the charts', () => {
  it('tell the first day, now, and the marks', () => {
    expect(sessionsSentence(DAYS, marksOf([revoked], DAYS))).toBe(
      'Signed-in sessions over 3 days: 400 on 8 Nov, 390 now; 150 on 9 Nov (everyone signed out, Siobhán).',
    );
    expect(signInsSentence(DAYS)).toBe('43 sign-ins over 3 days, most on 9 Nov: 30. 4 today.');
  });

  it('say what there is on the first day', () => {
    expect(sessionsSentence([day('2026-11-08', 1)], [])).toBe('Signed-in sessions: 1 now.');
    expect(signInsSentence([day('2026-11-08', 1, 1)])).toBe(
      '1 sign-in over 1 day, most on 8 Nov: 1. 1 today.',
    );
  });
});

describe('activeWords', () => {
  const words = (active: number, ...names: string[]) =>
    activeWords(
      { active, activeMembers: names.map((name) => ({ id: name, name })) } as Overview,
      'Ana Lima',
    );

  it('name the reader as "You", three at most, and count the others', () => {
    expect(words(0)).toBe('Nobody');
    expect(words(1, 'Ana Lima')).toBe('You');
    expect(words(2, 'Ana Lima', 'Xóchitl R')).toBe('You and Xóchitl');
    expect(words(3, 'Ana Lima', 'Xóchitl R', 'Trevor L')).toBe('You, Xóchitl and Trevor');
    expect(words(1204, 'Ana Lima', 'X R', 'T L', 'C H', 'I Q')).toBe('You, X, T and 1,201 more');
  });
});
