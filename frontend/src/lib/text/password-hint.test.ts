import { expect, it } from 'vitest';
import { passwordHint } from './password-hint';

const EASY = 'Easy to guess. Add a few words of your own.';

it.each([
  ['', 'At least 15 characters. A few words are easy to remember.'],
  ['a'.repeat(13), '2 more characters needed.'],
  ['a'.repeat(14), '1 more character needed.'],
  ['e\u0301'.repeat(14), '1 more character needed.'],
  ['🌙'.repeat(14), '1 more character needed.'],
  ['🌙'.repeat(15), 'Long enough.'],
  ['correct horse b', 'Long enough.'],
  ['az'.repeat(512), 'Long enough.'],
  ['a'.repeat(1025), 'Too long. Leave some of it out.'],
  ['ü'.repeat(513), 'Too long. Leave some of it out.'],
  // The cases of the server's own test.
  ['password1234567', EASY],
  ['password12345678901', EASY],
  ['iloveyouiloveyou', EASY],
  ['Passw0rd Passw0rd!', EASY],
  ['aaaaaaaaaaaaaaa', EASY],
  ['abcdefghijklmnop', EASY],
  ['9876543210987654', EASY],
  ['welcome, monkey 2026', EASY],
  ['the dragon sleeps till noon', 'Long enough.'],
  ['stand defer hijack no', 'Long enough.'],
  ['abc on a blue door', 'Long enough.'],
])('%j', (password, hint) => expect(passwordHint(password)).toBe(hint));
