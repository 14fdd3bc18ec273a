import { expect, it } from 'vitest';
import { auditQuery, firstOf, periodOf } from './filters';

const none = { q: '', member: '', action: '', from: '', to: '' };

it('asks for nothing in particular without filters', () => {
  expect(auditQuery(none)).toEqual({});
});

it('takes both days whole', () => {
  expect(auditQuery({ ...none, from: '2026-02-27', to: '2026-02-28' })).toEqual({
    since: new Date(2026, 1, 27).toISOString(),
    until: new Date(2026, 2, 1).toISOString(),
  });
});

it('passes over what is no day', () => {
  expect(auditQuery({ ...none, from: 'yesterday', to: '2026-1-1' })).toEqual({});
});

it('names words, member and action', () => {
  expect(auditQuery({ ...none, q: 'ana', member: 'm1', action: 'policy.saved' })).toEqual({
    q: 'ana',
    member: 'm1',
    action: 'policy.saved',
  });
});

it('knows the period that the days are', () => {
  const now = new Date(2026, 2, 1, 0, 30);
  expect(firstOf(1, now)).toBe('2026-03-01');
  expect(firstOf(7, now)).toBe('2026-02-23');
  const period = (from: string, to = '') => periodOf({ from, to }, now);
  expect(period('')).toBe('all');
  expect(period('2026-03-01')).toBe('today');
  expect(period('2026-02-23')).toBe('week');
  expect(period('2026-01-31')).toBe('month');
  expect(period('2026-02-22')).toBe('dates');
  expect(period('2026-03-01', '2026-03-01')).toBe('dates');
  expect(period('', '2026-03-01')).toBe('dates');
});
