import { expect, it } from 'vitest';
import { relativeTime } from './relative-time';

it.each([
  [-5, 'just now'],
  [59, 'just now'],
  [60, '1 minute ago'],
  [3599, '59 minutes ago'],
  [3600, '1 hour ago'],
  [86_399, '23 hours ago'],
  [86_400, '1 day ago'],
])('%i seconds is %s', (seconds, words) => {
  expect(relativeTime(new Date(0), seconds * 1000)).toBe(words);
});
