import { createSubscriber } from 'svelte/reactivity';

/** How exact the words are that follow the clock, in milliseconds. */
const TICK = 30_000;

/** How far the server's clock is ahead of this machine's, in milliseconds. */
let ahead = 0;
let changed = () => {};

const follow = createSubscriber((update) => {
  changed = update;
  const timer = setInterval(update, TICK);
  return () => {
    changed = () => {};
    clearInterval(timer);
  };
});

/**
 * Learns the server's time from the `Date` of an answer, which names the whole second. `sent` and
 * `answered` are by this machine's clock, and bound the error. The known offset stays if it fits.
 */
export function learnTime(date: string | null, sent: number, answered: number): void {
  const second = Date.parse(date ?? '');
  if (Number.isNaN(second)) return;
  const fits = Math.max(second - answered, Math.min(ahead, second + 1000 - sent));
  if (fits === ahead) return;
  ahead = fits;
  changed();
}

/**
 * Returns the server's time in milliseconds, as far as it is known. Compare the server's dates with
 * it: this machine's clock may be wrong.
 */
export function serverTime(): number {
  return Date.now() + ahead;
}

/**
 * The time for words such as "3 minutes ago". One timer keeps all of them true while there are any.
 */
export function now(): number {
  follow();
  return serverTime();
}
