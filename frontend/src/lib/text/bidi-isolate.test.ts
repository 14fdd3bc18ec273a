import { expect, it } from 'vitest';
import { bidiIsolate } from './bidi-isolate';

it('encloses names that would turn a sentence around, and no others', () => {
  expect(bidiIsolate('Zoë 🙂 山田')).toBe('Zoë 🙂 山田');
  expect(bidiIsolate('ليلى')).toBe('\u2068ليلى\u2069');
  expect(bidiIsolate('דנה')).toBe('\u2068דנה\u2069');
  expect(bidiIsolate('evil\u202Egnp.exe')).toBe('\u2068evil\u202Egnp.exe\u2069');
});
