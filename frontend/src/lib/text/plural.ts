import { formatNumber } from './formats';

/** Returns the number with its noun, such as "1 session" or "1,204 sessions". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${formatNumber(n)} ${n === 1 ? one : many}`;
}

export function sessionsOfMembers(sessions: number, members: number): string {
  return `${plural(sessions, 'session')} of ${plural(members, 'member')}`;
}
