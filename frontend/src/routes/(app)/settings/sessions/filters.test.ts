import { expect, it } from 'vitest';
import { midnight, sessionQuery } from './filters';

const none = { q: '', device: '', signed: '', member: '' };
const newest = { key: 'lastSeen', order: 'desc' as const };
const now = new Date(2026, 10, 24, 15, 30);
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000).toISOString();

it('asks for everything where nothing is chosen, or nothing that there is', () => {
  const everything = { sort: 'lastSeen', order: 'desc' };
  expect(sessionQuery(none, newest, now)).toEqual(everything);
  expect(sessionQuery({ ...none, device: 'toaster', signed: 'constructor' }, newest, now)).toEqual(
    everything,
  );
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
