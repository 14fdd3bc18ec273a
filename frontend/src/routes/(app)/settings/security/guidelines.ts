import type { Guideline, Policy } from '$lib/api/settings';
import { formatLength } from '$lib/text/policy';

/** What a guideline asks, in words. */
export function guidelineNumbers(guideline: Guideline): string {
  const { idleSeconds, overallSeconds, overallRequired } = guideline;
  const parts: string[] = [];
  if (idleSeconds) parts.push(`idle at most ${duration(idleSeconds)}`);
  if (overallSeconds) parts.push(`overall at most ${duration(overallSeconds)}`);
  else if (overallRequired) parts.push('an overall limit of your choice');
  return parts.join(', ') || 'an idle limit of your choice';
}

/**
 * What the form would be filled with. Without refresh, a maximum lifetime changes nothing and is
 * left out.
 */
export function meetingWords({ meet }: Guideline): string {
  const { sessionLength, refreshAutomatically, maximumLifetime } = meet;
  const most =
    refreshAutomatically && maximumLifetime ? `, at most ${formatLength(maximumLifetime)}` : '';
  return `Use ${formatLength(sessionLength)}${most}`;
}

/** A warning if the policy never ends a session that is in use. */
export function endlessSentence(policy: Policy): string | null {
  return policy.refreshAutomatically && !policy.maximumLifetime
    ? 'Refresh is on: a session in use never ends by itself. NIST (all levels), CISA and ASVS 7.3.2 ask for an overall limit: not met.'
    : null;
}

/** The standards say 24 hours and not 1 day, but 30 days. */
function duration(seconds: number): string {
  if (seconds > 86_400 && seconds % 86_400 === 0) {
    return formatLength({ value: seconds / 86_400, unit: 'days' });
  }
  return seconds % 3600 === 0
    ? formatLength({ value: seconds / 3600, unit: 'hours' })
    : formatLength({ value: seconds / 60, unit: 'minutes' });
}
