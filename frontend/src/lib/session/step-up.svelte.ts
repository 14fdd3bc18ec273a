import { wants } from '../api/problem';

/** Does what asks for a fresh proof of identity: where the last one is too old, it waits for one and is tried again. */
export class StepUp {
  /** Whether it waits. */
  asking = $state(false);

  #task: () => Promise<void> = async () => {};

  /** Does the task, unless it has to wait. What else it throws is thrown. */
  async run(task: () => Promise<void>) {
    this.asking = false;
    this.#task = task;
    try {
      await task();
    } catch (error) {
      if (!wants.proof(error)) throw error;
      this.asking = true;
    }
  }

  /** Tries again, after the proof. */
  retry = () => this.run(this.#task);
}
