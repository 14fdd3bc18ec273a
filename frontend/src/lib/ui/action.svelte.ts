import { page } from '$app/state';
import { sessionEnd } from '../session/session-end.svelte';

/** Does what a person asks for, and keeps what went wrong for the page to say; unless the session is over, which is said over the page. */
export class Action {
  /** What went wrong the last time. */
  error = $state.raw<unknown>(null);

  async run(task: () => Promise<void>) {
    this.error = null;
    try {
      await task();
    } catch (error) {
      if (!sessionEnd.handle(error, page.url)) this.error = error;
    }
  }
}
