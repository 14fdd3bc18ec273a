import { expect, it } from 'vitest';
import { relativeTime, timeUntil } from './relative-time';

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

it.each([
  [-5, 'in less than a minute'],
  [29, 'in less than a minute'],
  [30, 'in 1 minute'],
  [86_369, 'in 23 hours'],
  [86_370, 'in 1 day'],
  [86_400, 'in 1 day'],
])('%i seconds ahead is %s', (seconds, words) => {
  expect(timeUntil(new Date(seconds * 1000), 0)).toBe(words);
});
