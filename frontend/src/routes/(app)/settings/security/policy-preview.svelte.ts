import { passive } from '$lib/api/client';
import { previewSecuritySettings, type Effect, type Policy } from '$lib/api/settings';
import { samePolicy } from '$lib/text/policy';

/** How long the typing must rest before a request, in milliseconds. */
const REST = 250;

/** What saving the draft would do, by the server, while the draft changes. */
export class PolicyPreview {
  /** The last answer. It may be about an earlier draft: see {@link of}. */
  effect = $state.raw<Effect | null>(null);
  /** What the last answer is about. */
  policy = $state.raw<Policy | null>(null);
  /** Why there is no answer about the last draft. Saving is still possible. */
  error = $state.raw<unknown>(null);
  loading = $state(false);

  #timer: ReturnType<typeof setTimeout> | undefined;
  #request: AbortController | null = null;
  /** The policy of the request under way. */
  #asking: Policy | null = null;

  /** Asks about the policy once the typing rests, or at once the first time. */
  consider(policy: Policy | null) {
    // The first answer is needed in any case: the guidelines come from it.
    if (!policy && !this.effect) return;
    if (policy && this.#asking && samePolicy(policy, this.#asking)) return;
    this.stop();
    this.loading = policy !== null;
    if (policy) this.#timer = setTimeout(() => void this.ask(policy), this.#request ? REST : 0);
  }

  /** Asks again in the background, because the policy in force has changed. */
  async again(policy: Policy | null) {
    if (policy) await this.ask(policy, passive);
  }

  /** Asks now. Returns null if there is no answer, or if a later request replaced this one. */
  async ask(policy: Policy, headers: HeadersInit = {}): Promise<Effect | null> {
    this.stop();
    this.loading = true;
    this.#asking = policy;
    const request = (this.#request = new AbortController());
    try {
      const effect = await previewSecuritySettings(policy, request.signal, headers);
      if (request.signal.aborted) return null;
      this.policy = policy;
      this.effect = effect;
      this.error = null;
      return effect;
    } catch (error) {
      if (!request.signal.aborted) this.error = error;
      return null;
    } finally {
      if (!request.signal.aborted) {
        this.loading = false;
        this.#asking = null;
      }
    }
  }

  /** The answer about exactly this policy, or null. */
  of(policy: Policy | null): Effect | null {
    return policy && this.policy && samePolicy(policy, this.policy) ? this.effect : null;
  }

  stop() {
    clearTimeout(this.#timer);
    this.#request?.abort();
    this.#asking = null;
  }
}
