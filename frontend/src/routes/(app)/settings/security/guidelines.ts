import type { Guideline } from '$lib/api/settings';
import { formatLength, shortLength } from '$lib/text/policy';

export const STRENGTHS: Record<Guideline['strength'], string> = {
  required: 'Required',
  recommended: 'Recommended',
  example: 'Example',
};

/** What a guideline asks, in few words. */
export function guidelineNumbers(guideline: Guideline): string {
  const { idleSeconds, overallSeconds, overallRequired } = guideline;
  const parts: string[] = [];
  if (idleSeconds) parts.push(`${duration(idleSeconds)} idle`);
  if (overallSeconds) parts.push(`${duration(overallSeconds)} at most`);
  else if (overallRequired) parts.push('Overall limit of your choice');
  return parts.join(', ') || 'Idle limit of your choice';
}

/**
 * What the form would be filled with. Without refresh, a maximum lifetime changes nothing and is
 * left out.
 */
export function meetingWords({ meet, name }: Guideline): string {
  const { sessionLength, refreshAutomatically, maximumLifetime } = meet;
  const most =
    refreshAutomatically && maximumLifetime ? `, ${formatLength(maximumLifetime)} at most` : '';
  return `${formatLength(sessionLength)}${most}, for ${name}`;
}

/** The standards say 24 hours and not 1 day, but 30 days. */
function duration(seconds: number): string {
  if (seconds > 86_400 && seconds % 86_400 === 0) {
    return shortLength({ value: seconds / 86_400, unit: 'days' });
  }
  return seconds % 3600 === 0
    ? shortLength({ value: seconds / 3600, unit: 'hours' })
    : shortLength({ value: seconds / 60, unit: 'minutes' });
}
