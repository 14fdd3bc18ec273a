import type { SessionCounts, SessionFilters, SessionQuery } from '$lib/api/session';
import { policyFromQuery } from '$lib/text/policy';
import type { Sort } from '$lib/ui/table';

const DEVICES = {
  desktop: 'Computer',
  phone: 'Phone',
  tablet: 'Tablet',
  program: 'Program',
  bot: 'Bot',
} as const;

const AGES = {
  hour: 'Within the hour',
  today: 'Today',
  day: 'Within 24 hours',
  week: 'Over 7 days ago',
  month: 'Over 30 days ago',
} as const;

const ENDS = { hour: 'Within the hour', day: 'Within 24 hours', week: 'Within 7 days' } as const;

const HOURS = { hour: 1, day: 24, week: 7 * 24 } as const;

/** The names of the filters in the address. */
export const FILTERS = ['q', 'device', 'signed', 'ends', 'endsUnder', 'member'] as const;

export type Filters = Record<(typeof FILTERS)[number], string>;

/** The menus of the filters, with how many sessions each choice would leave, once it is known. */
export function menus(counts: SessionCounts | null) {
  const { hour, today, day, overWeek: week, overMonth: month } = counts?.signedIn ?? {};
  const options = (labels: Record<string, string>, counted: Record<string, number | undefined>) =>
    Object.entries(labels).map(([value, label]) => ({ value, label, count: counted[value] }));
  const none = { desktop: 0, phone: 0, tablet: 0, program: 0, bot: 0 };
  return [
    {
      key: 'device' as const,
      label: 'Device',
      options: options(DEVICES, counts ? { ...none, ...counts.devices } : {}),
    },
    {
      key: 'signed' as const,
      label: 'Signed in',
      options: options(AGES, { hour, today, day, week, month }),
    },
    { key: 'ends' as const, label: 'Ends', options: options(ENDS, counts?.ends ?? {}) },
  ];
}

/** What to ask the server for, as of now. Unknown values in the address are left out. */
export function sessionQuery(filters: Filters, { key, order }: Sort, now: Date): SessionQuery {
  const { device, signed, ends, endsUnder, member } = filters;
  const q = filters.q.trim();
  return {
    ...(q && { q }),
    ...(Object.hasOwn(DEVICES, device) && { device: device as keyof typeof DEVICES }),
    ...(member && { member }),
    ...(Object.hasOwn(AGES, signed) && signedIn(signed as keyof typeof AGES, now)),
    ...(Object.hasOwn(ENDS, ends) && {
      endsBefore: hence(HOURS[ends as keyof typeof HOURS], now),
    }),
    ...(policyFromQuery(endsUnder) && { endsUnder }),
    sort: key as NonNullable<SessionQuery['sort']>,
    order,
  };
}

/** What a query selects, without its order. */
export function filtersOf(query: SessionQuery): SessionFilters {
  const filters = { ...query };
  delete filters.sort;
  delete filters.order;
  return filters;
}

/** When the reader's day began. */
export function midnight(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate());
}

function signedIn(age: keyof typeof AGES, now: Date): SessionQuery {
  const ago = (hours: number) => hence(-hours, now);
  switch (age) {
    case 'hour':
      return { signedInSince: ago(1) };
    case 'today':
      return { signedInSince: midnight(now).toISOString() };
    case 'day':
      return { signedInSince: ago(24) };
    case 'week':
      return { signedInBefore: ago(7 * 24) };
    case 'month':
      return { signedInBefore: ago(30 * 24) };
  }
}

function hence(hours: number, now: Date): string {
  return new Date(now.getTime() + hours * 3_600_000).toISOString();
}
