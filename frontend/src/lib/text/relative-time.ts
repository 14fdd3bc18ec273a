import { formatDistance, type TimeUnit, type Width } from './formats';

const UNITS: [TimeUnit, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** How long ago something was, in its largest whole unit. The future reads as "just now". */
export function relativeTime(at: Date, now: number, width: Width = 'long'): string {
  return inLargestUnit((now - at.getTime()) / 1000, -1, width) ?? 'just now';
}

/** How far off something is, in its largest whole unit. */
export function timeUntil(at: Date, now: number, width: Width = 'long'): string {
  // To the nearest minute: a session of 14 days that has just begun ends in 14 days, not in 13.
  const minutes = Math.round((at.getTime() - now) / 60_000);
  return inLargestUnit(minutes * 60, 1, width) ?? 'in less than a minute';
}

function inLargestUnit(seconds: number, sign: 1 | -1, width: Width): string | undefined {
  const unit = UNITS.find(([, length]) => Math.floor(seconds) >= length);
  return unit && formatDistance(sign * Math.floor(seconds / unit[1]), unit[0], width);
}
