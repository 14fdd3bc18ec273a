import { getSession } from '../api/session';
import { Action } from './action.svelte';

/** Has the browser fetch the file of a link. */
export class Download extends Action {
  readonly #begun: () => void;
  #ready = false;

  /** `begun` is called once the browser has begun. */
  constructor(begun = () => {}) {
    super();
    this.#begun = begun;
  }

  /** The browser refreshes no token, so a fresh one has to be there first. */
  begin = async (event: MouseEvent & { currentTarget: HTMLAnchorElement }) => {
    if (this.#ready) return;
    const link = event.currentTarget;
    event.preventDefault();
    await this.run(async () => {
      await getSession();
      this.#ready = true;
      link.click();
      this.#ready = false;
      this.#begun();
    });
  };
}
