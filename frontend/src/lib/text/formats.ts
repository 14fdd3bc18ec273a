/**
 * How numbers and times are written. Each formatter is made when it is first needed, and kept: a
 * page's first one blocks it while the browser reads its language tables.
 */

const numbers = once(() => new Intl.NumberFormat('en'));

/**
 * Has the browser read the tables before they are needed, in two tasks: a collator needs about half
 * of them.
 */
export function readTables(): void {
  setTimeout(() => new Intl.Collator('en'));
  setTimeout(numbers);
}

export function formatNumber(n: number): string {
  return numbers().format(n);
}

export type TimeUnit = 'second' | 'minute' | 'hour' | 'day' | 'week';

const units = new Map<TimeUnit, Intl.NumberFormat>();

/** A number of whole units, as "14 days". */
export function formatUnits(n: number, unit: TimeUnit): string {
  let format = units.get(unit);
  if (!format) {
    format = new Intl.NumberFormat('en', { style: 'unit', unit, unitDisplay: 'long' });
    units.set(unit, format);
  }
  return format.format(n);
}

const distances = {
  long: once(() => new Intl.RelativeTimeFormat('en')),
  short: once(() => new Intl.RelativeTimeFormat('en', { style: 'short' })),
};

/** Written out, or as short as a column of a table needs it. */
export type Width = keyof typeof distances;

/** How far off something is, as "3 days ago" or "in 3 days". */
export function formatDistance(n: number, unit: TimeUnit, width: Width): string {
  return distances[width]().format(n, unit);
}

/** A moment to the second. */
export const formatMoment = dateFormat({ dateStyle: 'medium', timeStyle: 'medium' });

/** A moment to the second, with the zone of its time. */
export const formatMomentInZone = dateFormat({ dateStyle: 'medium', timeStyle: 'long' });

/** A moment close to today. */
export const formatMomentNearby = dateFormat({
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

/** A day close to today. */
export const formatDayNearby = dateFormat({ day: 'numeric', month: 'short' });

export const formatTimeOfDay = dateFormat({ timeStyle: 'short' });

const formatDay = dateFormat({ day: 'numeric', month: 'long' });

/** A day of UTC, as the server counts them. */
export const formatShortDay = dateFormat({ day: 'numeric', month: 'short', timeZone: 'UTC' });

/** A day of the week, by the clock of the reader. */
export const formatWeekday = dateFormat({ weekday: 'long', day: 'numeric', month: 'long' });

/** A day of any year. */
export const formatDate = dateFormat({ dateStyle: 'medium' });

/** A time of day, with its date unless that is today. */
export function formatWhen(at: Date, now: Date): string {
  const time = formatTimeOfDay(at);
  return at.toDateString() === now.toDateString() ? `at ${time}` : `on ${formatDay(at)} at ${time}`;
}

function dateFormat(options: Intl.DateTimeFormatOptions): (at: Date) => string {
  const format = once(() => new Intl.DateTimeFormat('en-GB', options));
  return (at) => format().format(at);
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
