import type { Snippet } from 'svelte';

export type Order = 'asc' | 'desc';

export interface Sort {
  key: string;
  order: Order;
}

export interface Column<T> {
  name: string;
  cell: Snippet<[T]>;
  /** The track of a grid that it takes where there is room for columns. It must not depend on what the cells hold. */
  width: string;
  /** The server's name for the order by this column, and what it orders. */
  sort?: { key: string; kind: 'words' | 'time' };
  /** Whether its cells say by themselves what they are, as buttons do. */
  unnamed?: boolean;
  /** Whether its cells stand in the corner of a card, next to the head of the row. */
  corner?: boolean;
}

type Sortable = Pick<Column<never>, 'name' | 'sort'>;

/** The order that the address asks for, or the given one where it asks for none that there is. */
export function sortFrom(
  { sort, order }: { sort: string; order: string },
  columns: Sortable[],
  otherwise: Sort,
): Sort {
  const column = columns.find((each) => each.sort?.key === sort);
  if (!column) return otherwise;
  return order === 'asc' || order === 'desc' ? { key: sort, order } : firstOrder(column);
}

/** What a press on the head of a column asks for: its natural order first, and then the other one. */
export function nextSort(column: Sortable, current: Sort | undefined): Sort {
  if (column.sort?.key !== current?.key) return firstOrder(column);
  return { ...firstOrder(column), order: current?.order === 'asc' ? 'desc' : 'asc' };
}

/** Every order there is, in words, for where there is no room for the heads of columns. */
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
