import type { Role } from '../api/members';

/** The session configuration: the home of everybody who may see settings. */
export const HOME = '/settings/security';

/** Where a member belongs who asked for nothing else. */
export const homeOf = ({ role }: { role: Role }) => (role === 'member' ? '/account' : HOME);

/**
 * The page to return to after signing in. The address bar is open to everybody's hand, so only a plain
 * path of our own origin counts: browsers read `//host` and `/\host` as another site, and skip control characters.
 */
export function safeReturnTo(next: string | null, home: string = HOME): string {
  return next !== null && /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(next) ? next : home;
}

/** Where a session belongs that has not proved the second factor which is demanded. */
export function secondFactorPath(from: URL): string {
  return `${SECOND_FACTOR}?next=${encodeURIComponent(from.pathname + from.search)}`;
}

export const SECOND_FACTOR = '/second-factor';

export function signInPath(from: URL): string {
  const next = from.pathname + from.search;
  return next === HOME ? `/sign-in` : `/sign-in?next=${encodeURIComponent(next)}`;
}
