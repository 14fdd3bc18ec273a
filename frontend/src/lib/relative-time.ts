const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

const FORMAT = new Intl.RelativeTimeFormat('en');

/** How long ago something was, in its largest whole unit. A clock that runs ahead of ours reads as "just now". */
export function relativeTime(at: Date, now: number): string {
  return inLargestUnit((now - at.getTime()) / 1000, -1) ?? 'just now';
}

/** How far off something is, in its largest whole unit. */
export function timeUntil(at: Date, now: number): string {
  // To the nearest minute: a session of 14 days that has just begun ends in 14 days, not in 13.
  const minutes = Math.round((at.getTime() - now) / 60_000);
  return inLargestUnit(minutes * 60, 1) ?? 'in less than a minute';
}

function inLargestUnit(seconds: number, sign: 1 | -1): string | undefined {
  const unit = UNITS.find(([, length]) => Math.floor(seconds) >= length);
  return unit && FORMAT.format(sign * Math.floor(seconds / unit[1]), unit[0]);
}
