import { describe, expect, it } from 'vitest';
import type { Length, Policy, Unit } from '../api/settings';
import {
  lengthError,
  muchShorter,
  policyFromQuery,
  policySentence,
  policySummary,
  policyToQuery,
  PRESETS,
  readNumber,
  samePolicy,
  shortLength,
} from './policy';

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
    [policy(length(12, 'hours'), false), 'People stay signed in for 12 hours, then sign in again.'],
    [
      policy(length(12, 'hours'), true, length(30, 'days')),
      'People stay signed in for 12 hours after their last visit, 30 days at most.',
    ],
    [
      policy(length(2, 'weeks'), false, length(13, 'days')),
      'People stay signed in for 13 days, then sign in again.',
    ],
    [
      policy(length(2, 'weeks'), false, length(15, 'days')),
      'People stay signed in for 2 weeks, then sign in again.',
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

it.each([
  ['14', 14],
  ['\uff11\uff14', 14],
  ['\u00a014 ', 14],
  ['007', 7],
  ['99999999999999999999', 1e20],
  ...[
    '',
    ' ',
    '1,5',
    '1.5',
    '12 hours',
    '1 4',
    '1e3',
    '0x10',
    '+5',
    '-5',
    '\u22125',
    '\u0661\u0664',
    '14\u200b',
    'Infinity',
  ].map((text): [string, null] => [text, null]),
])('of %j the number is %j', (text, number) => expect(readNumber(text)).toBe(number));

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

describe('much shorter', () => {
  it.each([
    ['ten times', length(10, 'hours'), length(1, 'hours'), true],
    ['not quite ten times', length(599, 'minutes'), length(1, 'hours'), false],
    ['the known slip', length(42, 'days'), length(42, 'minutes'), true],
    ['longer', length(42, 'minutes'), length(42, 'days'), false],
    ['the same', length(14, 'days'), length(2, 'weeks'), false],
  ])('%s', (_, from, to, expected) => {
    const change = muchShorter(policy(from, true), policy(to, true));
    expect(change).toEqual(expected ? { from, to } : null);
  });

  const days = length(14, 'days');
  it.each([
    ['a limit ten times shorter', length(30, 'days'), length(3, 'days'), length(30, 'days')],
    ['a new limit far below the length', null, length(42, 'minutes'), days],
    ['a new limit of about the length', null, length(12, 'days'), null],
    ['a limit not quite so much shorter', length(29, 'days'), length(3, 'days'), null],
    ['no limit any more', length(30, 'days'), null, null],
  ])('%s', (_, from, to, of) => {
    const change = muchShorter(policy(days, true, from), policy(days, true, to));
    expect(change).toEqual(of ? { from: of, to } : null);
  });
});

it('knows two policies that are written alike', () => {
  const one = policy(length(14, 'days'), true, length(30, 'days'));
  expect(samePolicy(one, structuredClone(one))).toBe(true);
  for (const other of [
    policy(length(2, 'weeks'), true, length(30, 'days')),
    policy(length(14, 'days'), false, length(30, 'days')),
    policy(length(14, 'days'), true, length(31, 'days')),
    policy(length(14, 'days'), true),
  ]) {
    expect(samePolicy(one, other)).toBe(false);
    expect(samePolicy(other, one)).toBe(false);
  }
});

it('the presets can be told apart and saved', () => {
  expect(PRESETS.map(({ name, policy: of }) => `${name}: ${policySummary(of)}`)).toEqual([
    'Strict: 15 minutes, refresh on, at most 12 hours',
    'Office day: 12 hours, refresh off',
    'Balanced: 14 days, refresh on',
  ]);
  expect(PRESETS.map(({ policy: of }) => shortLength(of.sessionLength))).toEqual([
    '15 min',
    '12 h',
    '14 days',
  ]);
  for (const { policy: of } of PRESETS) {
    expect(lengthError(of.sessionLength.value, of.sessionLength.unit)).toBeUndefined();
  }
});

describe('in the address of a list', () => {
  it.each([
    ['3d,refresh,30d', policy(length(3, 'days'), true, length(30, 'days'))],
    ['12h,norefresh', policy(length(12, 'hours'), false)],
    ['2w,refresh,90m', null],
    ['1w,refresh,10080m', policy(length(1, 'weeks'), true, length(10_080, 'minutes'))],
    ['0d,refresh', null],
    ['366d,refresh', null],
    ['3d,refresh,400d', null],
    ['3d', null],
    ['3y,refresh', null],
    ['3d,refresh,', null],
    ['toString', null],
  ])('%s', (text, expected) => {
    expect(policyFromQuery(text)).toEqual(expected);
    if (expected) expect(policyToQuery(expected)).toBe(text);
  });
});
