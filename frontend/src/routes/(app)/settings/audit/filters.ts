import type { AuditQuery } from '$lib/api/audit';

/** The filters in the address. The days are the reader's, and both are included. */
export interface Filters {
  q: string;
  member: string;
  action: string;
  from: string;
  to: string;
}

export const FILTERS = ['q', 'member', 'action', 'from', 'to'] as const;

/** Returns what to ask the server for. A day of the reader becomes a span of time. */
export function auditQuery({ q, member, action, from, to }: Filters): AuditQuery {
  const since = startOf(from, 0);
  const until = startOf(to, 1);
  return {
    ...(q && { q }),
    ...(member && { member }),
    ...(action && { action: action as NonNullable<AuditQuery['action']> }),
    ...(since && { since }),
    ...(until && { until }),
  };
}

/** Returns when a day begins, plus some days. Returns undefined if it is no day, or before 1970. */
function startOf(day: string, later: number): string | undefined {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day) ?? [];
  const start = new Date(Number(year), Number(month) - 1, Number(date) + later);
  // While a year is typed, the field holds days of the years 2 and 20.
  return !(start.getTime() >= 0) ? undefined : start.toISOString();
}

export type Period = 'today' | 'week' | 'month' | 'all' | 'dates';

export const PERIODS: { value: Period; label: string; days?: number }[] = [
  { value: 'today', label: 'Today', days: 1 },
  { value: 'week', label: '7 days', days: 7 },
  { value: 'month', label: '30 days', days: 30 },
  { value: 'all', label: 'All' },
  { value: 'dates', label: 'Dates…' },
];

/** The first of so many days, of which the last is today, as the address has it. */
export function firstOf(days: number, now: Date): string {
  const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days + 1);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

/** The period that the address names. */
export function periodOf({ from, to }: Pick<Filters, 'from' | 'to'>, now: Date): Period {
  if (!from && !to) return 'all';
  const known = to ? undefined : PERIODS.find(({ days }) => days && firstOf(days, now) === from);
  return known?.value ?? 'dates';
}
