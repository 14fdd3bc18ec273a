import type { AuditEntry } from '$lib/api/audit';
import type { Length } from '$lib/api/settings';
import { policyToQuery, UNITS } from '$lib/text/policy';

/**
 * The address of the form with the values that a saved session configuration replaced, or null.
 */
export function earlierValues({ action, details }: AuditEntry): string | null {
  const before = details.before as Record<string, unknown> | undefined;
  if (action !== 'policy.saved' || !before) return null;
  const sessionLength = lengthOf(before.sessionLength);
  const maximumLifetime = lengthOf(before.maximumLifetime);
  if (!sessionLength || (before.maximumLifetime && !maximumLifetime)) return null;
  const refreshAutomatically = before.refreshAutomatically === true;
  const use = policyToQuery({ sessionLength, refreshAutomatically, maximumLifetime });
  return `/settings/security?use=${use}`;
}

/** Reads a length as the log has it, such as "14 days" or "1 day". */
function lengthOf(text: unknown): Length | null {
  const [, value, name] = /^(\d+) ([a-z]+?)s?$/.exec(String(text)) ?? [];
  const unit = UNITS.find((each) => each === `${name}s`);
  return unit ? { value: Number(value), unit } : null;
}
