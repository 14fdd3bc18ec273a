import type { AuditQuery } from '$lib/api/audit';

/** What the address says of the filters. The days are as a person picks them, and both count. */
export interface Filters {
  member: string;
  action: string;
  from: string;
  to: string;
}

/** What to ask the server for. A day is the reader's own, so it is here that it becomes a span of time. */
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

/** When a day begins, or one that is so many days later; nothing for what is no day, or one before 1970. */
function startOf(day: string, later: number): string | undefined {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day) ?? [];
  const start = new Date(Number(year), Number(month) - 1, Number(date) + later);
  // While a year is typed, the field has days of the year 2 and 20.
  return !(start.getTime() >= 0) ? undefined : start.toISOString();
}
