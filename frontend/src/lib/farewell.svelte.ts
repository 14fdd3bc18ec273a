import { goto } from '$app/navigation';
import { endsSession } from './api/problem';
import { endedSentence } from './ended';
import { signInPath } from './way-back';

/**
 * What the sign-in page says about the session that ended. It is handed over in memory: revoking all
 * sessions has the browser wipe its storage.
 */
class Farewell {
  sentence = $state<string | null>(null);

  /** Leads to the sign-in page if the error says that the session ended, and tells whether it does. */
  leave(error: unknown, from: URL): boolean {
    if (!endsSession(error)) return false;
    // Who left on purpose, or revoked all sessions, knows more than the refusals that follow.
    this.sentence ??= endedSentence(error);
    void goto(signInPath(from));
    return true;
  }
}

export const farewell = new Farewell();
