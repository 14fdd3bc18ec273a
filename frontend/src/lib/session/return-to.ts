import type { Role } from '../api/members';

/** The home page of all who may see settings. */
export const HOME = '/overview';

/** The first page of the settings. */
export const SETTINGS = '/settings/security';

/** The home page of a member. */
export const homeOf = ({ role }: { role: Role }) => (role === 'member' ? '/account' : HOME);

/**
 * Returns the page to go to after signing in. Anyone can write the address, so only a plain path of
 * our own origin counts: browsers read `//host` and `/\host` as another site, and skip control
 * characters.
 */
export function safeReturnTo(next: string | null, home: string = HOME): string {
  return next !== null && /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(next) ? next : home;
}

/** The page of a session that must prove a second factor first. */
export function secondFactorPath(from: URL): string {
  return `${SECOND_FACTOR}?next=${encodeURIComponent(from.pathname + from.search)}`;
}

export const SECOND_FACTOR = '/second-factor';

export function signInPath(from: URL): string {
  const next = from.pathname + from.search;
  return next === HOME ? `/sign-in` : `/sign-in?next=${encodeURIComponent(next)}`;
}
