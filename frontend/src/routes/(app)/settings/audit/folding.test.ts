import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '$lib/api/audit';
import { byDays, dayName } from './folding';
import { rowWords } from './row-words';

let sequence = 1000;

/** An entry of 1 December at that time of the reader's day, or of another day. */
function entry(time: string, action: string, more: Partial<AuditEntry> = {}, day = 1): AuditEntry {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return {
    at: new Date(2026, 11, day, hours, minutes).toISOString(),
    sequence: sequence--,
    action,
    actor: { id: '', name: 'nobody' },
    target: '',
    address: '192.0.2.1',
    details: {},
    hash: '',
    ...more,
  };
}

const refused = (time: string, more: Partial<AuditEntry> = {}) =>
  entry(time, 'session.refused', { target: 'member:b', ...more });

const signedIn = (time: string, name: string, day = 1) =>
  entry(time, 'session.started', { actor: { id: name, name } }, day);

/** The rows of all days, each as the times of its entries. */
const rows = (entries: AuditEntry[], foldSignIns = true) =>
  byDays(entries, foldSignIns).map((day) =>
    day.rows.map((row) =>
      row.entries.map(({ at }) => new Date(at).toTimeString().slice(0, 5)).join(' '),
    ),
  );

describe('repeats', () => {
  it('are one row within 30 minutes, with other entries in between', () => {
    const saved = entry('09:53', 'policy.saved');
    expect(
      rows([refused('09:55'), saved, refused('09:51'), refused('09:25'), refused('09:24')]),
    ).toEqual([['09:55 09:51 09:25', '09:53', '09:24']]);
  });

  it('have the same cause', () => {
    const others = [
      refused('09:55', { address: '192.0.2.2' }),
      refused('09:54', { target: 'member:c' }),
      refused('09:53', { details: { wrong: 'code' } }),
      refused('09:52', { action: 'session.reauthentication_refused' }),
      refused('09:51', { details: { count: 12 } }),
      refused('09:50', { details: { count: 7 } }),
    ];
    expect(rows([...others, refused('09:49')])[0]).toHaveLength(7);
  });

  it('are ends of sessions of one member by one other, too', () => {
    const ended = (time: string, name: string, member: string) =>
      entry(time, 'session.ended', {
        actor: { id: name, name },
        details: { member, reason: 'revoked' },
      });
    expect(
      rows([
        ended('09:55', 'Ana', 'b'),
        ended('09:55', 'Ana', 'b'),
        ended('09:54', 'Ana', 'c'),
        ended('09:53', 'Ben', 'b'),
      ]),
    ).toEqual([['09:55 09:55', '09:54', '09:53']]);
  });

  it('are nothing else: what changed something stands for itself', () => {
    expect(rows([entry('09:55', 'policy.saved'), entry('09:54', 'policy.saved')])).toEqual([
      ['09:55', '09:54'],
    ]);
  });
});

describe('sign-ins', () => {
  const three = () => [signedIn('09:12', 'Ana'), signedIn('08:40', 'Ben'), signedIn('08:12', 'Cy')];

  it('of an hour are one row', () => {
    expect(rows([...three(), signedIn('08:11', 'Dee')])).toEqual([['09:12 08:40 08:12', '08:11']]);
  });

  it('are not, if there are two, or if someone wants to see each', () => {
    const between = entry('08:50', 'policy.saved');
    expect(rows([signedIn('09:12', 'Ana'), between, signedIn('08:40', 'Ben')])).toEqual([
      ['09:12', '08:50', '08:40'],
    ]);
    expect(rows(three(), false)).toEqual([['09:12', '08:40', '08:12']]);
  });

  it('end with their day', () => {
    const late = [
      signedIn('00:10', 'Ana'),
      signedIn('23:50', 'Ben', 0),
      signedIn('23:40', 'Cy', 0),
    ];
    expect(rows(late)).toEqual([['00:10'], ['23:50', '23:40']]);
  });

  it('name the first of those who signed in', () => {
    const words = (entries: AuditEntry[]) => {
      const row = byDays(entries, true)[0]?.rows[0];
      return row && rowWords(row, {});
    };
    expect(words(three())).toEqual({
      parts: [{ name: '3 members' }, ' signed in'],
      more: ['Ana, Ben and Cy'],
      span: '08:12–09:12',
    });
    const many = 'Ana Ben Ana Cy Dee Eve'.split(' ').map((name) => signedIn('09:00', name));
    expect(words(many)?.more).toEqual(['Ana, Ben, Cy and 2 more']);
    expect(words(Array.from({ length: 4 }, () => signedIn('09:00', 'Ana')))).toEqual({
      parts: [{ name: 'Ana' }, ' signed in'],
      times: '4',
      more: [],
      span: '09:00',
    });
  });
});

it('names a day as people do', () => {
  const now = new Date(2026, 11, 1, 12);
  expect(dayName(new Date(2026, 11, 1), now)).toEqual({
    name: 'Today',
    date: 'Tuesday 1 December',
  });
  expect(dayName(new Date(2026, 10, 30), now).name).toBe('Yesterday');
  expect(dayName(new Date(2026, 10, 29), now)).toEqual({ name: 'Sunday 29 November' });
  expect(dayName(new Date(2025, 10, 29), now)).toEqual({ name: '29 Nov 2025' });
});
