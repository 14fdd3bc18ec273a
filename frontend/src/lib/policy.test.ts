import { describe, expect, it } from 'vitest';
import type { Length, Policy, Unit } from './api/settings';
import { lengthError, policySentence, policySummary } from './policy';

const length = (value: number, unit: Unit): Length => ({ value, unit });
const policy = (
  sessionLength: Length,
  refreshAutomatically: boolean,
  maximumLifetime: Length | null = null,
): Policy => ({ sessionLength, refreshAutomatically, maximumLifetime });

describe('the sentence', () => {
  it.each([
    [
      policy(length(12, 'hours'), true),
      'People stay signed in for 12 hours after their last visit.',
    ],
    [policy(length(1, 'days'), true), 'People stay signed in for 1 day after their last visit.'],
    [
      policy(length(12, 'hours'), false),
      'People stay signed in for 12 hours after signing in, then sign in again.',
    ],
    [
      policy(length(12, 'hours'), true, length(30, 'days')),
      'People stay signed in for 12 hours after their last visit, and no longer than 30 days after signing in.',
    ],
    [
      policy(length(2, 'weeks'), false, length(13, 'days')),
      'People stay signed in for 13 days after signing in, then sign in again.',
    ],
    [
      policy(length(2, 'weeks'), false, length(15, 'days')),
      'People stay signed in for 2 weeks after signing in, then sign in again.',
    ],
    [
      policy(length(525600, 'minutes'), true),
      'People stay signed in for 525,600 minutes after their last visit.',
    ],
  ])('of %o', (of, sentence) => expect(policySentence(of)).toBe(sentence));
});

it('is told apart in few words', () => {
  expect(policySummary(policy(length(8, 'hours'), true))).toBe('8 hours, refresh on');
  expect(policySummary(policy(length(1, 'weeks'), false, length(3, 'weeks')))).toBe(
    '1 week, refresh off, at most 3 weeks',
  );
});

describe('the limits', () => {
  it.each<[Unit, number]>([
    ['minutes', 525_600],
    ['hours', 8760],
    ['days', 365],
    ['weeks', 52],
  ])('of %s are 1 and %i', (unit, most) => {
    expect(lengthError(1, unit)).toBeUndefined();
    expect(lengthError(most, unit)).toBeUndefined();
    for (const wrong of [0, most + 1, -1, 1.5, null, NaN]) {
      expect(lengthError(wrong, unit)).toBe(
        `Enter a whole number from 1 to ${most.toLocaleString('en')} ${unit}.`,
      );
    }
  });
});
