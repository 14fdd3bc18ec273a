import { expect, it } from 'vitest';
import type { Guideline, Policy } from '$lib/api/settings';
import { endlessSentence, guidelineNumbers, meetingWords } from './guidelines';

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
  [{ idleSeconds: 900 }, 'idle at most 15 minutes'],
  [{ idleSeconds: 3600, overallSeconds: 86_400 }, 'idle at most 1 hour, overall at most 24 hours'],
  [{ overallSeconds: 43_200, overallRequired: true }, 'overall at most 12 hours'],
  [{ overallSeconds: 30 * 86_400 }, 'overall at most 30 days'],
  [{ overallRequired: true }, 'an overall limit of your choice'],
  [{}, 'an idle limit of your choice'],
])('%o asks for %s', (asks, words) => expect(guidelineNumbers(guideline(asks))).toBe(words));

it('says what it would fill in', () => {
  expect(meetingWords(guideline({}))).toBe('Use 15 minutes');
  expect(meetingWords(guideline({ meet: policy(true, { value: 12, unit: 'hours' }) }))).toBe(
    'Use 15 minutes, at most 12 hours',
  );
  expect(meetingWords(guideline({ meet: policy(false, { value: 12, unit: 'hours' }) }))).toBe(
    'Use 15 minutes',
  );
});

it('says plainly when a session in use never ends', () => {
  expect(endlessSentence(policy(true, null))).toBe(
    'Refresh is on: a session in use never ends by itself. NIST (all levels), CISA and ASVS 7.3.2 ask for an overall limit: not met.',
  );
  expect(endlessSentence(policy(false, null))).toBeNull();
  expect(endlessSentence(policy(true, { value: 1, unit: 'days' }))).toBeNull();
});
