import type { Length, Policy, Unit } from './api/settings';

/** The most of each unit that fits into 365 days; the least is 1. The server holds the same limits. */
export const LONGEST: Record<Unit, number> = {
  minutes: 365 * 24 * 60,
  hours: 365 * 24,
  days: 365,
  weeks: 52,
};

export const UNITS = Object.keys(LONGEST) as Unit[];

const SECONDS: Record<Unit, number> = { minutes: 60, hours: 3600, days: 86_400, weeks: 604_800 };

/** What to do about a length that cannot be saved, or nothing. */
export function lengthError(value: number | null, unit: Unit): string | undefined {
  if (value !== null && Number.isInteger(value) && value >= 1 && value <= LONGEST[unit]) {
    return undefined;
  }
  return `Enter a whole number from 1 to ${new Intl.NumberFormat('en').format(LONGEST[unit])} ${unit}.`;
}

export function formatLength({ value, unit }: Length): string {
  return new Intl.NumberFormat('en', {
    style: 'unit',
    unit: unit.slice(0, -1),
    unitDisplay: 'long',
  }).format(value);
}

/** What a policy means for the people who sign in. */
export function policySentence(policy: Policy): string {
  const { sessionLength, refreshAutomatically, maximumLifetime } = policy;
  if (!refreshAutomatically) {
    // Both are counted from the sign-in then, so that the shorter one alone decides.
    const length = maximumLifetime ? shorter(sessionLength, maximumLifetime) : sessionLength;
    return `People stay signed in for ${formatLength(length)} after signing in, then sign in again.`;
  }
  const cap = maximumLifetime
    ? `, and no longer than ${formatLength(maximumLifetime)} after signing in`
    : '';
  return `People stay signed in for ${formatLength(sessionLength)} after their last visit${cap}.`;
}

/** A policy in as few words as tell it apart from another. */
export function policySummary(policy: Policy): string {
  const parts = [
    formatLength(policy.sessionLength),
    `refresh ${policy.refreshAutomatically ? 'on' : 'off'}`,
  ];
  if (policy.maximumLifetime) parts.push(`at most ${formatLength(policy.maximumLifetime)}`);
  return parts.join(', ');
}

function shorter(a: Length, b: Length): Length {
  return a.value * SECONDS[a.unit] <= b.value * SECONDS[b.unit] ? a : b;
}
