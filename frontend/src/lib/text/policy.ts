import type { Length, Policy, Unit } from '../api/settings';
import { formatNumber, formatUnits } from './formats';

/** The most of each unit that fits into 365 days. The server enforces the same limits. */
export const LONGEST: Record<Unit, number> = {
  minutes: 365 * 24 * 60,
  hours: 365 * 24,
  days: 365,
  weeks: 52,
};

export const UNITS = Object.keys(LONGEST) as Unit[];

const SINGULAR = { minutes: 'minute', hours: 'hour', days: 'day', weeks: 'week' } as const;

const SECONDS: Record<Unit, number> = { minutes: 60, hours: 3600, days: 86_400, weeks: 604_800 };

/**
 * Reads a whole number as a person typed it, full-width digits included. Returns null for anything
 * else: leaving out a comma, a sign or a word would make another number.
 */
export function readNumber(typed: string): number | null {
  const text = typed.normalize('NFKC').trim();
  return /^[0-9]+$/.test(text) ? Number(text) : null;
}

/** What to do about a length that cannot be saved, or undefined. */
export function lengthError(value: number | null, unit: Unit): string | undefined {
  if (value !== null && Number.isInteger(value) && value >= 1 && value <= LONGEST[unit]) {
    return undefined;
  }
  return `Enter a whole number from 1 to ${formatNumber(LONGEST[unit])} ${unit}.`;
}

/**
 * What to do about a session length above the maximum lifetime, or undefined. The server says the
 * same.
 */
export function overMaximum({ sessionLength, maximumLifetime }: Policy): string | undefined {
  if (!maximumLifetime || seconds(sessionLength) <= seconds(maximumLifetime)) return undefined;
  return `Enter at most ${formatLength(maximumLifetime)}, the maximum lifetime, or raise that.`;
}

export function formatLength({ value, unit }: Length): string {
  return formatUnits(value, SINGULAR[unit]);
}

/** A length where there is little room, such as "15 min". */
export function shortLength({ value, unit }: Length): string {
  if (unit === 'minutes' || unit === 'hours') {
    return `${formatNumber(value)} ${unit === 'hours' ? 'h' : 'min'}`;
  }
  return formatLength({ value, unit });
}

/** What a policy means for the people who sign in. */
export function policySentence(policy: Policy): string {
  const { length, cap } = stay(policy);
  const how = policy.refreshAutomatically
    ? ` after their last visit${cap}`
    : ', then sign in again';
  return `People stay signed in for ${length}${how}.`;
}

/** How long a policy keeps the reader signed in: the length, and what limits it. */
export function stayWords(policy: Policy) {
  const { length, cap } = stay(policy);
  const since = policy.refreshAutomatically ? 'after your last visit' : 'after signing in';
  return { length: `${length} ${since}`, cap };
}

function stay({ sessionLength: length, refreshAutomatically, maximumLifetime: most }: Policy) {
  if (refreshAutomatically) {
    return { length: formatLength(length), cap: most ? `, ${formatLength(most)} at most` : '' };
  }
  // Both are counted from the sign-in then, so that the shorter one alone decides.
  return { length: formatLength(most && seconds(most) < seconds(length) ? most : length), cap: '' };
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

const LETTERS: Record<Unit, string> = { minutes: 'm', hours: 'h', days: 'd', weeks: 'w' };

/**
 * A policy in the address of a list: `3d,refresh,30d` selects the sessions that would end at once
 * if it were saved.
 */
export function policyToQuery(policy: Policy): string {
  const { sessionLength, refreshAutomatically, maximumLifetime } = policy;
  const write = ({ value, unit }: Length) => value + LETTERS[unit];
  const parts = [write(sessionLength), refreshAutomatically ? 'refresh' : 'norefresh'];
  if (maximumLifetime) parts.push(write(maximumLifetime));
  return parts.join(',');
}

/** Reads what `policyToQuery` wrote. Returns null for anything else. */
export function policyFromQuery(text: string): Policy | null {
  const part = /^(\d{1,9})([mhdw]),(no)?refresh(?:,(\d{1,9})([mhdw]))?$/.exec(text);
  if (!part) return null;
  const read = (value = '', letter = ''): Length | null => {
    const unit = UNITS.find((each) => LETTERS[each] === letter);
    return unit && !lengthError(Number(value), unit) ? { value: Number(value), unit } : null;
  };
  const [sessionLength, maximumLifetime] = [read(part[1], part[2]), read(part[4], part[5])];
  if (!sessionLength || (part[4] && !maximumLifetime)) return null;
  const policy = { sessionLength, refreshAutomatically: !part[3], maximumLifetime };
  return overMaximum(policy) ? null : policy;
}

/** Policies that organizations of a kind often choose, to start from. */
export const PRESETS: { name: string; policy: Policy }[] = [
  {
    name: 'Strict',
    policy: {
      sessionLength: { value: 15, unit: 'minutes' },
      refreshAutomatically: true,
      maximumLifetime: { value: 12, unit: 'hours' },
    },
  },
  {
    name: 'Office day',
    policy: {
      sessionLength: { value: 12, unit: 'hours' },
      refreshAutomatically: false,
      maximumLifetime: null,
    },
  },
  {
    name: 'Balanced',
    policy: {
      sessionLength: { value: 14, unit: 'days' },
      refreshAutomatically: true,
      maximumLifetime: null,
    },
  },
];

/** Reports whether two policies are written alike: 14 days and 2 weeks are not. */
export function samePolicy(a: Policy, b: Policy): boolean {
  return (
    sameLength(a.sessionLength, b.sessionLength) &&
    a.refreshAutomatically === b.refreshAutomatically &&
    (a.maximumLifetime && b.maximumLifetime
      ? sameLength(a.maximumLifetime, b.maximumLifetime)
      : a.maximumLifetime === b.maximumLifetime)
  );
}

/** One length that takes the place of a much longer one. */
export interface Shortening {
  from: Length;
  to: Length;
}

/** A change by this factor is often a wrong unit. */
const MUCH = 10;

/**
 * Returns what becomes ten times shorter or more. A new limit counts against the session length.
 */
export function muchShorter(from: Policy, to: Policy): Shortening | null {
  const changes = [{ from: from.sessionLength, to: to.sessionLength }];
  if (to.maximumLifetime) {
    changes.push({ from: from.maximumLifetime ?? from.sessionLength, to: to.maximumLifetime });
  }
  return changes.find((change) => seconds(change.from) >= MUCH * seconds(change.to)) ?? null;
}

export function seconds({ value, unit }: Length): number {
  return value * SECONDS[unit];
}

function sameLength(a: Length, b: Length): boolean {
  return a.value === b.value && a.unit === b.unit;
}
