import { describe, expect, it } from 'vitest';
import type { Policy } from '../api/settings';
import { canStay, lead, timeLeft } from './expiry';

const policy = (more: Partial<Policy> = {}): Policy => ({
  sessionLength: { value: 1, unit: 'hours' },
  refreshAutomatically: true,
  maximumLifetime: null,
  ...more,
});

it.each([
  [{ value: 14, unit: 'days' } as const, 300],
  [{ value: 10, unit: 'minutes' } as const, 300],
  [{ value: 9, unit: 'minutes' } as const, 270],
  [{ value: 1, unit: 'minutes' } as const, 30],
])('a session of %o says so before its end', (sessionLength, before) =>
  expect(lead(policy({ sessionLength }))).toBe(before),
);

describe('an access', () => {
  const signedIn = '2026-01-02T14:00:00Z';
  const after = (minutes: number) => Date.parse(signedIn) + minutes * 60_000;
  const limited = policy({ maximumLifetime: { value: 8, unit: 'hours' } });

  it('moves the end while refresh is on', () =>
    expect(canStay(policy(), signedIn, 300, after(55))).toBe(true));

  it('moves nothing while it is off', () =>
    expect(canStay(policy({ refreshAutomatically: false }), signedIn, 300, after(55))).toBe(false));

  it('moves the end up to the maximum lifetime', () => {
    expect(canStay(limited, signedIn, 300, after(7 * 60 + 53))).toBe(true);
    expect(canStay(limited, signedIn, 300, after(7 * 60 + 54))).toBe(false);
    expect(canStay(limited, signedIn, 300, after(7 * 60 + 55))).toBe(false);
  });
});

it.each([
  [300, '5 minutes'],
  [241, '5 minutes'],
  [240, '4 minutes'],
  [61, '2 minutes'],
  [60, 'less than a minute'],
  [0, 'less than a minute'],
  [-3, 'less than a minute'],
])('%i seconds are told as %s', (left, words) => expect(timeLeft(left)).toBe(words));
