import { wants } from '../api/problem';
import { Action, type Task } from '../ui/action.svelte';

/**
 * Runs what needs a fresh proof of identity. If the last proof is too old, it asks for one, and
 * `retry` runs the task again.
 */
export class StepUp extends Action {
  /** Whether the task waits for a proof. */
  asking = $state(false);

  #task: Task = async () => {};

  override run(task: Task) {
    return super.run(async () => {
      this.asking = false;
      this.#task = task;
      try {
        await task();
      } catch (error) {
        if (!wants.proof(error)) throw error;
        this.asking = true;
      }
    });
  }

  retry = () => this.run(this.#task);
}
