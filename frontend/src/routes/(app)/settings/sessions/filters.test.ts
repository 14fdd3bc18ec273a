import { expect, it } from 'vitest';
import { filtersOf, menus, midnight, sessionQuery } from './filters';

const none = { q: '', device: '', signed: '', ends: '', endsUnder: '', member: '' };
const newest = { key: 'lastSeen', order: 'desc' as const };
const now = new Date(2026, 10, 24, 15, 30);
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000).toISOString();

it('asks for everything where nothing is chosen, or nothing that there is', () => {
  const everything = { sort: 'lastSeen', order: 'desc' };
  expect(sessionQuery(none, newest, now)).toEqual(everything);
  const wrong = { device: 'toaster', signed: 'constructor', ends: 'never', endsUnder: '3d' };
  expect(sessionQuery({ ...none, ...wrong }, newest, now)).toEqual(everything);
});

it.each([
  ['hour', { signedInSince: hoursAgo(1) }],
  ['today', { signedInSince: midnight(now).toISOString() }],
  ['day', { signedInSince: hoursAgo(24) }],
  ['week', { signedInBefore: hoursAgo(168) }],
  ['month', { signedInBefore: hoursAgo(720) }],
])('counts %s from now', (signed, expected) => {
  expect(sessionQuery({ ...none, signed }, newest, now)).toMatchObject(expected);
});

it('begins the day where the reader is', () => {
  expect(midnight(now)).toEqual(new Date(2026, 10, 24));
});

it('asks for what ends soon, or would end under another policy', () => {
  expect(sessionQuery({ ...none, ends: 'hour' }, newest, now).endsBefore).toBe(hoursAgo(-1));
  const query = sessionQuery({ ...none, q: ' ana ', endsUnder: '3d,refresh,30d' }, newest, now);
  expect(filtersOf(query)).toEqual({ q: 'ana', endsUnder: '3d,refresh,30d' });
});

it('counts the choices of each menu, once they are known', () => {
  const counted = (counts: Parameters<typeof menus>[0]) =>
    menus(counts).map(({ key, options }) => [key, options.map(({ count }) => count)]);
  const signedIn = { hour: 1, today: 2, day: 3, overWeek: 4, overMonth: 5 };
  expect(counted({ devices: { phone: 7 }, signedIn, ends: { hour: 8, day: 9, week: 10 } })).toEqual(
    [
      ['device', [0, 7, 0, 0, 0]],
      ['signed', [1, 2, 3, 4, 5]],
      ['ends', [8, 9, 10]],
    ],
  );
  expect(counted(null).flat(2)).not.toContain(0);
});
