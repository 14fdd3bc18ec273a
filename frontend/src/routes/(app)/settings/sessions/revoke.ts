import { revokeMemberSessions } from '$lib/api/members';
import { Problem } from '$lib/api/problem';
import {
  revokeMatchingSessions,
  revokeSession,
  revokeSessions,
  type Session,
} from '$lib/api/session';
import type { Target } from './revocation';

/** The most sessions in one request. */
const AT_A_TIME = 200;

export interface Revoked {
  /** How many sessions had not ended already. */
  ended: number;
  /** How many stay, because their members have a higher role. */
  skipped: number;
}

export async function revoke(target: Target): Promise<Revoked> {
  if (target.kind === 'member') {
    return { ended: (await revokeMemberSessions(target.member.id)).sessionsEnded, skipped: 0 };
  }
  if (target.kind === 'matching') {
    return counted(await revokeMatchingSessions(target.filters, target.total));
  }
  const [first] = target.sessions;
  if (first && target.sessions.length === 1) return revokeOne(first);

  // The caller's own session comes last: after it, the server would refuse the others.
  const ids = target.sessions
    .toSorted((a, b) => Number(a.current) - Number(b.current))
    .map(({ id }) => id);
  const revoked = { ended: 0, skipped: 0 };
  for (let i = 0; i < ids.length; i += AT_A_TIME) {
    const { ended, skipped } = counted(await revokeSessions(ids.slice(i, i + AT_A_TIME)));
    revoked.ended += ended;
    revoked.skipped += skipped;
  }
  return revoked;
}

function counted(answer: { sessionsEnded: number; sessionsSkipped?: number }): Revoked {
  return { ended: answer.sessionsEnded, skipped: answer.sessionsSkipped ?? 0 };
}

async function revokeOne({ id }: Session): Promise<Revoked> {
  try {
    await revokeSession(id);
    return { ended: 1, skipped: 0 };
  } catch (error) {
    // It has ended already, which is what was wanted.
    if (error instanceof Problem && error.status === 404) return { ended: 0, skipped: 0 };
    throw error;
  }
}
