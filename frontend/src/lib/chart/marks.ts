/** Something that happened on a day of a chart. */
export interface Mark {
  day: number;
  title: string;
  by: string;
  note: string;
  /** Draws it in the colour of danger. */
  strong?: boolean;
  /** Has it labelled, if there is room. */
  labelled?: boolean;
}

interface Frame {
  left: number;
  right: number;
  base: number;
}

interface Placed {
  mark: Mark;
  x: number;
  y: number;
  /** The middle of its first line; nothing if it has no room. */
  at?: readonly [x: number, y: number];
  stem: string;
}

/** The height of the two lines of a label with its stem, in pixels. */
const LABEL = 48;

/** How wide a text of 11 pixels is, about. */
const widthOf = (text: string) => 5.9 * text.length;

/**
 * Places the marks on the line of a chart, and their labels where they cover neither the line nor
 * an earlier label: below the point, or else above the line.
 */
export function placeLabels(
  marks: Mark[],
  points: { day: number }[],
  line: (readonly [x: number, y: number])[],
  { left, right, base }: Frame,
): Placed[] {
  const taken: [from: number, to: number][] = [];
  return marks.flatMap((mark): Placed[] => {
    const point = line[points.findIndex(({ day }) => day === mark.day)];
    if (!point) return [];
    const [x, y] = point;
    const half = Math.max(widthOf(mark.title), widthOf(mark.note)) / 2;
    const middle = Math.min(Math.max(x, left + half), right - half);
    const overlaps = taken.some(([from, to]) => middle - half < to && middle + half > from);
    const placed: Placed = { mark, x, y, stem: '' };
    if (!mark.labelled || overlaps || 2 * half > right - left) return [placed];
    const around = line.filter(([each]) => Math.abs(each - middle) <= half + 12);
    const lowest = Math.max(...around.map(([, each]) => each));
    const highest = Math.min(...around.map(([, each]) => each));
    const below = Math.max(y, lowest - 12) + 32;
    const above = highest - 26;
    taken.push([middle - half - 8, middle + half + 8]);
    if (below + LABEL - 32 <= base) {
      return [{ ...placed, at: [middle, below], stem: `M${x} ${y + 5}V${below - 12}` }];
    }
    if (above < 10) return [placed];
    return [{ ...placed, at: [middle, above], stem: `M${x} ${y - 5}V${above + 18}` }];
  });
}
