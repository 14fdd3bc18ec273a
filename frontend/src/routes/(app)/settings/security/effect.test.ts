import { expect, it } from 'vitest';
import type { Effect } from '$lib/api/settings';
import { effectNote, effectSentence, people } from './effect';

const effect = (sessions: number, members: number, yours: boolean): Effect => ({
  live: { sessions: 20, members: 9 },
  atOnce: { sessions, members },
  withinHour: { sessions, members },
  withinDay: { sessions, members },
  named: [],
  yours,
  loosens: false,
  remaining: [],
  guidelines: [],
});

it.each([
  [effect(0, 0, false), 'Saving signs nobody out at once.', null],
  [
    effect(12, 4, true),
    'Saving signs out 12 sessions of 4 members at once, yours included.',
    'Signs out 12 sessions of 4 members at once',
  ],
  [
    effect(1, 1, false),
    'Saving signs out 1 session of 1 member at once.',
    'Signs out 1 session of 1 member at once',
  ],
  [
    effect(1, 1, true),
    'Saving signs out 1 session of 1 member at once: yours.',
    'Signs out 1 session of 1 member at once',
  ],
])('%o', (of, sentence, note) => {
  expect(effectSentence(of)).toBe(sentence);
  expect(effectNote(of)).toBe(note);
});

it('nobody is a word', () => {
  expect(people({ sessions: 0, members: 0 })).toBe('nobody');
});
