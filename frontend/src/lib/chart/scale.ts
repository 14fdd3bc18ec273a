/** Returns the function that maps a domain to pixels, to a tenth. */
export function scale([from, to]: [number, number], [start, end]: [number, number]) {
  const perUnit = to === from ? 0 : (end - start) / (to - from);
  return (value: number) => Math.round((start + (value - from) * perUnit) * 10) / 10;
}

/** Returns about `count` steps of whole, round numbers from 0 to `most` or beyond. */
export function ticks(most: number, count = 4): number[] {
  const rough = Math.max(most, 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough * 0.999) ?? 10;
  const step = Math.max(1, Math.ceil(factor * power));
  return Array.from({ length: Math.ceil(most / step || 1) + 1 }, (_, index) => index * step);
}

/** Returns the path through the points. */
export function linePath(points: (readonly [x: number, y: number])[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join('');
}

/** Returns the path of the area between the points and the height `base`. */
export function areaPath(points: (readonly [x: number, y: number])[], base: number): string {
  const [first] = points;
  const last = points.at(-1);
  return first && last ? `${linePath(points)}L${last[0]} ${base}L${first[0]} ${base}Z` : '';
}
