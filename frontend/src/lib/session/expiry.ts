import type { Policy } from '../api/settings';
import { seconds } from '../text/policy';

/** How long before its end a session warns, in seconds. The server's stream does the same. */
const WARNING = 5 * 60;

/** How long before its end a session warns, in seconds. A short one warns at half its length. */
export function lead(policy: Policy): number {
  return Math.min(WARNING, seconds(policy.sessionLength) / 2);
}

/**
 * Reports whether an access would give a session that has `left` seconds more time. The server has
 * the last word.
 */
export function canStay(
  policy: Policy,
  authenticatedAt: string,
  left: number,
  now: number,
): boolean {
  if (!policy.refreshAutomatically) return false;
  if (!policy.maximumLifetime) return true;
  const atMost = (Date.parse(authenticatedAt) - now) / 1000 + seconds(policy.maximumLifetime);
  return Math.min(atMost, seconds(policy.sessionLength)) > left + 60;
}

/** How long a session has left, by minutes, so that it is not read aloud every second. */
export function timeLeft(left: number): string {
  const minutes = Math.ceil(left / 60);
  if (minutes <= 1) return 'less than a minute';
  return `${minutes} minutes`;
}
