import { describe, expect, it } from 'vitest';
import { placeLabels, type Mark } from './marks';

const frame = { left: 40, right: 540, base: 220 };
const days = Array.from({ length: 11 }, (_, day) => ({ day }));
const mark = (day: number, more: Partial<Mark> = {}): Mark => ({
  day,
  title: 'session length 14 → 7 days',
  by: 'Ana',
  note: 'Ana, 9 Nov',
  labelled: true,
  ...more,
});
/** A line at one height, but for one point. */
const lineAt = (height: number, day = -1, other = 0) =>
  days.map((each) => [40 + 50 * each.day, each.day === day ? other : height] as const);

describe('placeLabels', () => {
  it('puts a label below a line that leaves room there', () => {
    const [placed] = placeLabels([mark(5)], days, lineAt(60), frame);
    expect(placed).toMatchObject({ x: 290, y: 60, at: [290, 92] });
  });

  it('puts it above everything nearby where there is none below', () => {
    const [placed] = placeLabels([mark(5)], days, lineAt(120, 5, 200), frame);
    expect(placed?.at).toEqual([290, 94]);
  });

  it('leaves it out where there is no room at all, and keeps the dot', () => {
    const [placed] = placeLabels([mark(5)], days, lineAt(20, 5, 215), frame);
    expect(placed).toMatchObject({ x: 290, y: 215 });
    expect(placed?.at).toBeUndefined();
  });

  it('keeps it within the chart', () => {
    const [first] = placeLabels([mark(0)], days, lineAt(60), frame);
    const [last] = placeLabels([mark(10)], days, lineAt(60), frame);
    expect(first?.at?.[0]).toBeGreaterThan(100);
    expect(last?.at?.[0]).toBeLessThan(480);
  });

  it('labels the first of two that would overlap, and none that asks for none', () => {
    const placed = placeLabels(
      [mark(6), mark(5), mark(1, { labelled: false }), mark(2)],
      days,
      lineAt(60),
      frame,
    );
    expect(placed.map(({ at }) => at !== undefined)).toEqual([true, false, false, true]);
  });

  it('passes over a day that the chart does not have', () => {
    expect(placeLabels([mark(99)], days, lineAt(60), frame)).toEqual([]);
  });
});
