import { expect, it } from 'vitest';
import type { SecuritySettings } from '$lib/api/settings';
import { savedWords } from './saved';

const now = new Date(2026, 0, 2, 15, 0);

it.each([
  [{ id: 'b', name: 'Ben' }, 'Ben saved a change at 14:02'],
  [{ id: 'a', name: 'Ana' }, 'You saved a change elsewhere at 14:02'],
  [null, 'Another admin saved a change at 14:02'],
])('by %o', (updatedBy, words) => {
  const updatedAt = new Date(2026, 0, 2, 14, 2).toISOString();
  expect(savedWords({ updatedBy, updatedAt } as SecuritySettings, 'a', now)).toBe(words);
});
