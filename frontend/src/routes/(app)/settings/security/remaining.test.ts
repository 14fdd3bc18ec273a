import { describe, expect, it } from 'vitest';
import { chartSentence, pointAt, spanOf, stepPath, timeTicks } from './remaining';

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const points = [
  { at: at(0), before: 3, after: 2 },
  { at: at(86_400), before: 3, after: 1 },
  { at: at(172_800), before: 0, after: 0 },
];

describe('the marks of the time axis', () => {
  it.each([
    [60, 4, ['now', '1 min']],
    [3600, 4, ['now', '15 min', '30 min', '45 min', '60 min']],
    [43_200, 4, ['now', '6 h', '12 h']],
    [172_800, 4, ['now', '12 h', '24 h', '36 h', '48 h']],
    [14 * 86_400, 4, ['now', '5 days', '10 days']],
    [14 * 86_400, 2, ['now', '5 days', '10 days']],
    [365 * 86_400, 4, ['now', '100 days', '200 days', '300 days']],
    [
      14 * 86_400,
      7,
      ['now', '2 days', '4 days', '6 days', '8 days', '10 days', '12 days', '14 days'],
    ],
    [14 * 86_400 - 1, 7, ['now', '2 days', '4 days', '6 days', '8 days', '10 days', '12 days']],
    [10 * 86_400, 4, ['now', '5 days', '10 days']],
    [10 * 86_400 - 1, 4, ['now', '5 days']],
    [30, 4, ['now']],
  ])('of %i seconds, at most %i', (span, most, labels) => {
    expect(timeTicks(span, most).map(({ label }) => label)).toEqual(labels);
  });

  it('are never too many', () => {
    for (let span = 60; span <= 365 * 86_400; span = Math.ceil(span * 1.07)) {
      expect(timeTicks(span, 4).length).toBeLessThanOrEqual(5);
      expect(timeTicks(span, 2).length).toBeLessThanOrEqual(4);
    }
  });
});

it('finds the point that holds at a time', () => {
  expect(spanOf(points)).toBe(172_800);
  expect(pointAt(points, 0)).toBe(points[0]);
  expect(pointAt(points, 86_399)).toBe(points[0]);
  expect(pointAt(points, 86_400)).toBe(points[1]);
  expect(spanOf([])).toBe(0);
});

it('holds each value until the next', () => {
  expect(
    stepPath(
      [3, 2, 0],
      (i) => i * 10,
      (value) => 30 - value * 10,
    ),
  ).toBe('M0 0H10V10H20V30');
});

it('is told in a sentence', () => {
  expect(chartSentence(points, true)).toBe(
    'Sessions still signed in if no one visits: now, halfway and after 48 h 3, 3, 0; after saving 2, 1, 0.',
  );
  expect(chartSentence(points, false)).not.toContain('after saving');
});
