import { revokeMemberSessions } from '$lib/api/members';
import { Problem } from '$lib/api/problem';
import { revokeSession, revokeSessions, type Session } from '$lib/api/session';
import type { Target } from './revocation';

/** The server takes so many at a time. */
const AT_A_TIME = 200;

/** Revokes, and counts the sessions that had not ended already. */
export async function revoke(target: Target): Promise<number> {
  if (target.kind === 'member') {
    return (await revokeMemberSessions(target.member.id)).sessionsEnded;
  }
  const [first] = target.sessions;
  if (first && target.sessions.length === 1) return revokeOne(first);

  // One's own comes last: after it, the server would refuse the others.
  const ids = target.sessions
    .toSorted((a, b) => Number(a.current) - Number(b.current))
    .map(({ id }) => id);
  let ended = 0;
  for (let i = 0; i < ids.length; i += AT_A_TIME) {
    ended += (await revokeSessions(ids.slice(i, i + AT_A_TIME))).sessionsEnded;
  }
  return ended;
}

async function revokeOne({ id }: Session): Promise<number> {
  try {
    await revokeSession(id);
    return 1;
  } catch (error) {
    // It ended by itself or by another's hand, which is what was wanted.
    if (error instanceof Problem && error.status === 404) return 0;
    throw error;
  }
}
