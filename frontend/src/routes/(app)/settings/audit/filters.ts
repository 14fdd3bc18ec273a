import type { AuditQuery } from '$lib/api/audit';

/** The filters in the address. The days are the reader's, and both are included. */
export interface Filters {
  member: string;
  action: string;
  from: string;
  to: string;
}

/** Returns what to ask the server for. A day of the reader becomes a span of time. */
export function auditQuery({ member, action, from, to }: Filters): AuditQuery {
  const since = startOf(from, 0);
  const until = startOf(to, 1);
  return {
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
