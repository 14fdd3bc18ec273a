import type { Snippet } from 'svelte';

export type Order = 'asc' | 'desc';

export interface Sort {
  key: string;
  order: Order;
}

export interface Column<T> {
  name: string;
  cell: Snippet<[T]>;
  /** Its track in the grid. It must not depend on the cells. */
  width: string;
  /** Its track on a very wide screen, if that differs. */
  widest?: string;
  /** Whether it appears only where there is room for it. */
  roomy?: boolean;
  /** Its area on the card that a row is on a phone. Without one, it is not on the card. */
  area?: string;
  /** The server's name for the order by this column, and what it orders. */
  sort?: { key: string; kind: 'words' | 'time' };
  /** Whether its cells need no label, as buttons do. */
  unnamed?: boolean;
}

/** The tracks of the columns: on a narrow, a wide and a very wide screen. */
export function tracksOf(columns: Pick<Column<never>, 'width' | 'widest' | 'roomy'>[], first = '') {
  const tracks = (widths: string[]) => [...(first ? [first] : []), ...widths].join(' ');
  return {
    narrow: tracks(columns.filter(({ roomy }) => !roomy).map(({ width }) => width)),
    wide: tracks(columns.map(({ width }) => width)),
    widest: tracks(columns.map(({ width, widest }) => widest ?? width)),
  };
}

type Sortable = Pick<Column<never>, 'name' | 'sort'>;

/** The order in the address, or the given one. */
export function sortFrom(
  { sort, order }: { sort: string; order: string },
  columns: Sortable[],
  otherwise: Sort,
): Sort {
  const column = columns.find((each) => each.sort?.key === sort);
  if (!column) return otherwise;
  return order === 'asc' || order === 'desc' ? { key: sort, order } : firstOrder(column);
}

/** What a press on a column's head asks for: its natural order first, then the other one. */
export function nextSort(column: Sortable, current: Sort | undefined): Sort {
  if (column.sort?.key !== current?.key) return firstOrder(column);
  return { ...firstOrder(column), order: current?.order === 'asc' ? 'desc' : 'asc' };
}

/** Every order in words, for when there is no room for the heads of columns. */
export function sortChoices(columns: Sortable[]): { name: string; sort: Sort }[] {
  return columns.flatMap(({ name, sort }) => {
    if (!sort) return [];
    const { key } = sort;
    const [asc, desc] =
      sort.kind === 'time' ? ['earliest first', 'latest first'] : ['A to Z', 'Z to A'];
    const up = { name: `${name}, ${asc}`, sort: { key, order: 'asc' as const } };
    const down = { name: `${name}, ${desc}`, sort: { key, order: 'desc' as const } };
    return sort.kind === 'time' ? [down, up] : [up, down];
  });
}

/** Words begin with A, times with the latest. */
function firstOrder({ sort }: Sortable): Sort {
  return { key: sort?.key ?? '', order: sort?.kind === 'time' ? 'desc' : 'asc' };
}
