import { shortcuts } from '../ui/shortcuts.svelte';

interface Actions {
  select?: ((index: number, range: boolean) => void) | undefined;
  open?: ((index: number) => void) | undefined;
  remove?: ((index: number) => void) | undefined;
  /** Reports whether there was anything to clear. */
  clear?: (() => boolean) | undefined;
}

/**
 * Makes the rows of a table one stop of the Tab key. The arrows, `j` and `k` move between rows, and
 * Tab goes on to the controls of the row that has the focus.
 */
export class RovingRows {
  #active = $state(0);
  #rows: () => HTMLTableRowElement[] = () => [];
  readonly #actions: () => Actions;

  constructor(actions: () => Actions) {
    this.#actions = actions;
  }

  /** Follows the body of the table. `count` is read so that this runs when rows come and go. */
  follow = (count: () => number) => (body: HTMLTableSectionElement) => {
    const active = Math.max(0, Math.min(this.#active, count() - 1));
    // Rows that stand for those to come are hidden.
    this.#rows = () => [...body.rows].filter(({ ariaHidden }) => ariaHidden === null);
    for (const [index, row] of this.#rows().entries()) {
      row.tabIndex = index === active ? 0 : -1;
      for (const control of row.querySelectorAll<HTMLElement>('a, button, input')) {
        control.tabIndex = row.tabIndex;
      }
    }
    const enter = ({ target }: FocusEvent) => {
      this.#active = this.#indexOf(target);
    };
    body.addEventListener('focusin', enter);
    return () => body.removeEventListener('focusin', enter);
  };

  /** Focuses the row that had the focus, or the one in its place. Reports whether there is one. */
  focus(): boolean {
    const rows = this.#rows();
    const row = rows[Math.min(this.#active, rows.length - 1)];
    row?.focus();
    return row !== undefined;
  }

  onkeydown = (event: KeyboardEvent) => {
    const index = this.#indexOf(event.target);
    const letter = event.key.length === 1 && event.key !== ' ';
    if (letter || index < 0) {
      if (!shortcuts.takes(event)) return;
    } else if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (this.#does(event, index)) event.preventDefault();
  };

  /** Does what a key means. Reports whether it means anything here. */
  #does({ key, shiftKey, target }: KeyboardEvent, index: number): boolean {
    const { select, open, remove, clear } = this.#actions();
    const onRow = index >= 0 && target === this.#rows()[index];
    const run = (action: (() => void) | undefined | false) => {
      if (action) action();
      return Boolean(action);
    };
    switch (key.toLowerCase()) {
      case 'j':
      case 'k':
        return this.#move(index < 0 ? 0 : key.toLowerCase() === 'j' ? 1 : -1);
      case 'arrowdown':
      case 'arrowup':
        return index >= 0 && this.#move(key === 'ArrowDown' ? 1 : -1);
      case 'x':
        return run(index >= 0 && select && (() => select(index, shiftKey)));
      case ' ':
        return run(onRow && select && (() => select(index, shiftKey)));
      case 'enter':
        return run(onRow && open && (() => open(index)));
      case 'delete':
        return run(index >= 0 && remove && (() => remove(index)));
      case 'escape':
        return clear?.() ?? false;
      default:
        return false;
    }
  }

  #move(by: number): boolean {
    const rows = this.#rows();
    const next = Math.max(0, Math.min(this.#active + by, rows.length - 1));
    rows[next]?.focus();
    return rows.length > 0;
  }

  #indexOf(target: EventTarget | null): number {
    const row = target instanceof Element ? target.closest('tr') : null;
    return row ? this.#rows().indexOf(row) : -1;
  }
}
