import type { SessionQuery } from '$lib/api/session';
import type { Sort } from '$lib/ui/table';

export const DEVICES = {
  desktop: 'Computers',
  phone: 'Phones',
  tablet: 'Tablets',
  program: 'Programs',
  bot: 'Bots',
} as const;

export const AGES = {
  hour: 'Signed in within the hour',
  today: 'Signed in today',
  day: 'Signed in within 24 hours',
  week: 'Signed in over a week ago',
  month: 'Signed in over 30 days ago',
} as const;

/** What the address says of the filters. */
export interface Filters {
  q: string;
  device: string;
  signed: string;
  member: string;
}

/** What to ask the server for, as of now. Unknown values in the address are left out. */
export function sessionQuery(filters: Filters, { key, order }: Sort, now: Date): SessionQuery {
  const { device, signed, member } = filters;
  const q = filters.q.trim();
  return {
    ...(q && { q }),
    ...(Object.hasOwn(DEVICES, device) && { device: device as keyof typeof DEVICES }),
    ...(member && { member }),
    ...(Object.hasOwn(AGES, signed) && signedIn(signed as keyof typeof AGES, now)),
    sort: key as NonNullable<SessionQuery['sort']>,
    order,
  };
}

/** When the reader's day began. */
export function midnight(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate());
}

function signedIn(age: keyof typeof AGES, now: Date): SessionQuery {
  const ago = (hours: number) => new Date(now.getTime() - hours * 3_600_000).toISOString();
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
