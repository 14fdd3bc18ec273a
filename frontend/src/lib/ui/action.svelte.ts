import { page } from '$app/state';
import { farewell } from '../session/session-end.svelte';

/** Does what a person asks for, and keeps what went wrong for the page to say; unless the session is over, which is said over the page. */
export class Attempt {
  /** What went wrong the last time. */
  error = $state.raw<unknown>(null);

  async make(task: () => Promise<void>) {
    this.error = null;
    try {
      await task();
    } catch (error) {
      if (!farewell.leave(error, page.url)) this.error = error;
    }
  }
}
