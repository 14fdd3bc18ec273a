import { goto } from '$app/navigation';
import { page } from '$app/state';
import { onSessionOver } from '../api/client';
import { isRestricted, type Problem } from '../api/problem';
import type { Ended } from '../api/session';
import { serverTime } from '../text/clock';
import { farewell } from './farewell.svelte';
import { live } from './live.svelte';
import { SECOND_FACTOR, secondFactorPath } from './return-to';

/** How the session ends, and what the person reads about it. */
class SessionEnd {
  /**
   * Handles the refusal of a session that is over. The page stays, with what was being typed, and a
   * dialog over it says so. A session that must prove a second factor first is led there.
   */
  handle(problem: Problem) {
    if (!isRestricted(problem)) live.refused(problem.document);
    else if (page.url.pathname !== SECOND_FACTOR) void goto(secondFactorPath(page.url));
  }

  /**
   * Runs the task with which a person ends their own session, and goes to the sign-in page. The
   * task returns what to say there, and how the session ended, for the other tabs.
   */
  async signOut(
    task: () => Promise<{ message: string; ended: Omit<Ended, 'at'> & { at?: string } }>,
  ) {
    await live.ending(async () => {
      const { message, ended } = await task();
      const code = ended.reason === 'member_deactivated' ? ended.reason : 'session_revoked';
      const at = new Date(serverTime()).toISOString();
      farewell.message = message;
      live.signedOut({ code, detail: message, ended: { at, ...ended } });
    });
    await goto('/sign-in');
  }
}

export const sessionEnd = new SessionEnd();

onSessionOver((problem) => sessionEnd.handle(problem));
