import { goto } from '$app/navigation';
import { endsSession, isRestricted } from '../api/problem';
import { endedSentence } from '../text/ended';
import { live, type Ending } from './live.svelte';
import { SECOND_FACTOR, secondFactorPath, signInPath } from './return-to';

/**
 * What the sign-in page says about the session that ended. It is handed over in memory: revoking all
 * sessions has the browser wipe its storage.
 */
class SessionEnd {
  message = $state<string | null>(null);

  /**
   * Says that the session ended, if the error says so, and tells whether it does. It is said over the page, which keeps what was being
   * typed; where there is no such page any more, the sign-in page says it, and leads back to where the person was. Whom the organization
   * demands a second factor of is led to set one up.
   */
  handle(error: unknown, from: URL): boolean {
    if (isRestricted(error)) {
      // A refusal may come late, when the person was led there already.
      if (from.pathname !== SECOND_FACTOR) void goto(secondFactorPath(from));
      return true;
    }
    if (!endsSession(error)) return false;
    if (live.refused(error.document)) return true;
    // Who left on purpose, or revoked all sessions, knows more than the refusals that follow, and is on the way or there already.
    if (this.message !== null || from.pathname === '/sign-in') return true;
    this.message = endedSentence(error.document);
    void goto(signInPath(from));
    return true;
  }

  /** The person ends their own session by the task, which returns what to say of it here, and what to say in the other tabs. */
  async signOut(task: () => Promise<{ message: string; ending: Ending }>) {
    await live.ending(async () => {
      const { message, ending } = await task();
      this.message = message;
      live.depart(ending);
    });
    await goto('/sign-in');
  }
}

export const sessionEnd = new SessionEnd();
