import { expect, it } from 'vitest';
import type { Effect } from '$lib/api/settings';
import { effectNote, effectSentence, namedWords } from './effect';

const effect = (sessions: number, members: number, yours: boolean, names = ''): Effect => ({
  live: { sessions: 20, members: 9 },
  atOnce: { sessions, members },
  withinHour: { sessions, members },
  withinDay: { sessions, members },
  named: names.split('; ').map((name) => ({ id: name, name })),
  yours,
  loosens: false,
  remaining: [],
  guidelines: [],
});

it.each([
  [effect(0, 0, false), 'No one is signed out at once.', 'Signs no one out at once'],
  [
    effect(1200, 4, true),
    '1,200 sessions end at once, of 4 members. Yours ends too.',
    'Signs out 1,200 sessions at once',
  ],
  [
    effect(1, 1, false),
    '1 session ends at once, of 1 member. Yours stays.',
    'Signs out 1 session at once',
  ],
])('%#', (of, sentence, note) => {
  expect(effectSentence(of)).toBe(sentence);
  expect(effectNote(of)).toBe(note);
});

it.each([
  [effect(9, 1, false, 'Nandini Iyer'), 'Nandini Iyer'],
  [effect(9, 2, false, 'Nandini Iyer; Jürgen Groß'), 'Nandini and Jürgen'],
  [effect(9, 3, false, 'Nandini Iyer; Jürgen Groß; Kavya'), 'Nandini, Jürgen and Kavya'],
  [effect(999, 1047, false, 'Nandini Iyer; J G; Kavya R'), 'Nandini, J, Kavya and 1,044 more'],
])('names a few: %#', (of, words) => {
  const { names, more } = namedWords(of);
  expect(names + more).toBe(words);
});
