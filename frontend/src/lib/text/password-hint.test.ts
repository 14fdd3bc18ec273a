import { expect, it } from 'vitest';
import { passwordHint } from './password-hint';

it.each([
  ['', 'At least 15 characters. A few words with spaces are easy to remember.'],
  ['a'.repeat(13), '2 more characters needed.'],
  ['a'.repeat(14), '1 more character needed.'],
  ['e\u0301'.repeat(14), '1 more character needed.'],
  ['🌙'.repeat(14), '1 more character needed.'],
  ['a'.repeat(15), 'Long enough.'],
  ['a'.repeat(1024), 'Long enough.'],
  ['a'.repeat(1025), 'Too long. Leave some of it out.'],
  ['ü'.repeat(513), 'Too long. Leave some of it out.'],
])('%j', (password, hint) => expect(passwordHint(password)).toBe(hint));
