const STORED_AS = 'curfew.shortcuts';

/** Where `g` and a letter lead. */
export const DESTINATIONS: Record<string, { path: string; name: string }> = {
  o: { path: '/overview', name: 'Overview' },
  s: { path: '/settings/security', name: 'Security' },
  e: { path: '/settings/sessions', name: 'Sessions' },
  m: { path: '/settings/members', name: 'Members' },
  l: { path: '/settings/audit', name: 'Audit log' },
  g: { path: '/settings/general', name: 'General' },
};

/** Keyboard shortcuts of one letter, which a person can switch off (WCAG 2.1.4). */
class Shortcuts {
  #on = $state(read());

  get on() {
    return this.#on;
  }

  set on(on: boolean) {
    this.#on = on;
    try {
      localStorage.setItem(STORED_AS, on ? 'on' : 'off');
    } catch {
      // Without storage the choice lasts until the page is loaded again.
    }
  }

  /** Reports whether a key is a shortcut here: not in a field, a dialog or with a modifier. */
  takes(event: KeyboardEvent): boolean {
    if (!this.#on || event.defaultPrevented || event.isComposing) return false;
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (document.querySelector('dialog[open]')) return false;
    const target = event.target;
    return !(
      target instanceof HTMLElement &&
      target.closest('input:not([type="checkbox"]), select, textarea, [role="listbox"]')
    );
  }
}

function read(): boolean {
  try {
    return localStorage.getItem(STORED_AS) !== 'off';
  } catch {
    return true;
  }
}

export const shortcuts = new Shortcuts();
