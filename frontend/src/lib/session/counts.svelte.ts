import { listMembers } from '../api/members';
import { passive } from '../api/client';
import { getSessionSummary } from '../api/session';

/** How many sessions and members there are. It reads in the background. */
export class Counts {
  sessions = $state<number>();
  members = $state<number>();

  /** A failure leaves the numbers as they are: each page says its own errors. */
  async read() {
    const [sessions, members] = await Promise.allSettled([
      getSessionSummary(passive),
      listMembers({ limit: 1 }, passive),
    ]);
    if (sessions.status === 'fulfilled') this.sessions = sessions.value.sessions;
    if (members.status === 'fulfilled') this.members = members.value.total;
  }
}
