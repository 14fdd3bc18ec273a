import { beforeEach, expect, it, vi } from 'vitest';
import { learnTime, serverTime } from './clock';

const NOON = Date.parse('2026-11-24T12:00:00Z');
const utc = (ms: number) => new Date(ms).toUTCString();

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
  learnTime(utc(NOON), NOON, NOON);
  learnTime(utc(NOON - 1000), NOON, NOON); // nothing but 0 fits both
});

it('stays as it is where this clock is right, however slow the answers are', () => {
  learnTime(utc(NOON), NOON - 300, NOON + 700);
  learnTime(utc(NOON + 2000), NOON, NOON + 9000);
  learnTime(null, NOON, NOON);
  learnTime('yesterday', NOON, NOON);
  expect(serverTime()).toBe(NOON);
});

it.each([-3 * 86_400_000, -90_000, 90_000, 3 * 86_400_000])(
  'follows a server that is %i ms ahead, to the second',
  (by) => {
    learnTime(utc(NOON + by), NOON - 200, NOON);
    expect(Math.abs(serverTime() - NOON - by)).toBeLessThanOrEqual(1200);
    learnTime(utc(NOON), NOON - 200, NOON);
    expect(Math.abs(serverTime() - NOON)).toBeLessThanOrEqual(1200);
  },
);
