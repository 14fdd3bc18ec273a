import type { Remaining } from '$lib/api/settings';
import { formatNumber } from '$lib/text/formats';

/** The steps of a time axis, in seconds, with their labels. */
const STEPS: [number, number, string][] = [
  ...[1, 5, 15, 30].map((n): [number, number, string] => [n * 60, n, 'min']),
  ...[1, 2, 6, 12].map((n): [number, number, string] => [n * 3600, n, 'h']),
  ...[1, 2, 5, 7, 14, 30, 60, 100].map((n): [number, number, string] => [n * 86_400, n, 'days']),
];

export interface Tick {
  /** Seconds from now. */
  after: number;
  label: string;
}

/**
 * Returns the ticks of a time axis of `span` seconds: now, and at most `most` more. The last
 * session to end began a little while ago, so a length of 14 days gives a slightly shorter span:
 * both get the same ticks.
 */
export function timeTicks(span: number, most: number): Tick[] {
  const whole = span * 1.01;
  const step = STEPS.find(([length]) => whole / length < most + 1) ?? STEPS[STEPS.length - 1];
  if (!step) return [];
  const [length, n, unit] = step;
  const ticks = [{ after: 0, label: 'now' }];
  for (let i = 1; i * length <= span; i++) {
    const amount = i * n;
    ticks.push({
      after: i * length,
      label: `${amount} ${amount === 1 && unit === 'days' ? 'day' : unit}`,
    });
  }
  return ticks;
}

/** How many seconds the points cover. */
export function spanOf(points: Remaining[]): number {
  const [first, last] = [points[0], points.at(-1)];
  return first && last ? (Date.parse(last.at) - Date.parse(first.at)) / 1000 : 0;
}

/** The last point at or before that many seconds from the first one. */
export function pointAt(points: Remaining[], after: number): Remaining | undefined {
  const begin = Date.parse(points[0]?.at ?? '');
  return points.findLast(({ at }) => Date.parse(at) - begin <= after * 1000);
}

/** A line that holds each value until the next, for an SVG path. */
export function stepPath(
  values: number[],
  x: (index: number) => number,
  y: (value: number) => number,
): string {
  return values
    .map((value, i) => (i === 0 ? `M${x(0)} ${y(value)}` : `H${x(i)}V${y(value)}`))
    .join('');
}

/** The chart in words. */
export function chartSentence(points: Remaining[], compared: boolean): string {
  const [first, middle, last] = [points[0], points[Math.floor(points.length / 2)], points.at(-1)];
  if (!first || !middle || !last) return '';
  const { label: end } = timeTicks(spanOf(points), 4).at(-1) ?? { label: '' };
  const told = (key: 'before' | 'after') =>
    [first, middle, last].map((point) => formatNumber(point[key])).join(', ');
  const after = compared ? `; after saving ${told('after')}` : '';
  return `Sessions still signed in if no one visits: now, halfway and after ${end} ${told('before')}${after}.`;
}
