import { describe, expect, it } from 'vitest';
import { areaPath, linePath, scale, ticks } from './scale';

describe('scale', () => {
  it('maps the ends, what is between, and a domain without width', () => {
    const x = scale([0, 4], [10, 50]);
    expect([0, 1, 4].map(x)).toEqual([10, 20, 50]);
    expect(scale([3, 3], [10, 50])(3)).toBe(10);
    expect(scale([0, 3], [100, 0])(1)).toBe(66.7);
  });
});

describe('ticks', () => {
  it.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 1, 2, 3]],
    [9, [0, 3, 6, 9]],
    [1201, [0, 500, 1000, 1500]],
    [1_000_000, [0, 250_000, 500_000, 750_000, 1_000_000]],
  ])('of %i reach it in few whole steps', (most, expected) => {
    const found = ticks(most);
    expect(found.at(-1)).toBeGreaterThanOrEqual(most);
    expect(found.length).toBeLessThanOrEqual(7);
    expect(found.every(Number.isInteger)).toBe(true);
    expect(found).toEqual(expected);
  });
});

describe('paths', () => {
  it('join the points, and close the area at its base', () => {
    expect(linePath([])).toBe('');
    expect(areaPath([], 9)).toBe('');
    expect(
      areaPath(
        [
          [0, 5],
          [2, 3],
        ],
        9,
      ),
    ).toBe('M0 5L2 3L2 9L0 9Z');
  });
});
