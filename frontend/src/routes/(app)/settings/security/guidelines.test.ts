import { expect, it } from 'vitest';
import type { Guideline, Policy } from '$lib/api/settings';
import { guidelineNumbers, meetingWords } from './guidelines';

const policy = (refreshAutomatically: boolean, maximumLifetime: Policy['maximumLifetime']) => ({
  sessionLength: { value: 15, unit: 'minutes' as const },
  refreshAutomatically,
  maximumLifetime,
});
const guideline = (asks: Partial<Guideline>): Guideline => ({
  key: 'k',
  family: 'f',
  badge: 'b',
  name: 'n',
  source: 'https://example.org/',
  strength: 'required',
  note: '',
  met: false,
  meet: policy(true, null),
  ...asks,
});

it.each([
  [{ idleSeconds: 900 }, '15 min idle'],
  [{ idleSeconds: 3600, overallSeconds: 86_400 }, '1 h idle, 24 h at most'],
  [{ overallSeconds: 43_200, overallRequired: true }, '12 h at most'],
  [{ overallSeconds: 30 * 86_400 }, '30 days at most'],
  [{ overallRequired: true }, 'Overall limit of your choice'],
  [{}, 'Idle limit of your choice'],
])('%o asks for %s', (asks, words) => expect(guidelineNumbers(guideline(asks))).toBe(words));

it('says what it would fill in', () => {
  const hours = { value: 12, unit: 'hours' as const };
  expect(meetingWords(guideline({}))).toBe('15 minutes, for n');
  expect(meetingWords(guideline({ meet: policy(true, hours) }))).toBe(
    '15 minutes, 12 hours at most, for n',
  );
  expect(meetingWords(guideline({ meet: policy(false, hours) }))).toBe('15 minutes, for n');
});
