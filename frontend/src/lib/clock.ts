import { createSubscriber } from 'svelte/reactivity';

/** How exact the words are that follow the clock, in milliseconds. */
const TICK = 30_000;

const follow = createSubscriber((update) => {
  const timer = setInterval(update, TICK);
  return () => clearInterval(timer);
});

/** The time for words such as "3 minutes ago". One timer keeps all of them true, and none runs where there are none. */
export function now(): number {
  follow();
  return Date.now();
}
