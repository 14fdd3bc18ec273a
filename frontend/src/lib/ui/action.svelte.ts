import { Problem, SessionOver } from '../api/problem';

export type Task = () => Promise<void>;

/** Runs what a person asks for, one task at a time. It keeps the error for the page to show. */
export class Action {
  busy = $state(false);
  /** The error of the last task. The end of the session is none: it is said over the page. */
  error = $state.raw<unknown>(null);
  readonly problem = $derived(this.error instanceof Problem ? this.error : null);

  readonly #failed: (error: unknown) => void;

  /** `failed` is called with each error after it was kept. */
  constructor(failed: (error: unknown) => void = () => {}) {
    this.#failed = failed;
  }

  async run(task: Task) {
    if (this.busy) return;
    this.busy = true;
    this.error = null;
    try {
      await task();
    } catch (error) {
      if (error instanceof SessionOver) return;
      this.error = error;
      this.#failed(error);
    } finally {
      this.busy = false;
    }
  }

  /** Returns what is wrong with one field of the request, if anything is. */
  at(field: string): string | undefined {
    return this.problem?.at(field);
  }
}
