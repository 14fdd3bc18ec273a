const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** How long ago something was, in its largest whole unit. A clock that runs ahead of ours reads as "just now". */
export function relativeTime(at: Date, now: number): string {
  const seconds = Math.floor((now - at.getTime()) / 1000);
  const unit = UNITS.find(([, length]) => seconds >= length);
  if (!unit) return 'just now';
  return new Intl.RelativeTimeFormat('en').format(-Math.floor(seconds / unit[1]), unit[0]);
}
