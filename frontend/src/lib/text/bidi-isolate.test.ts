import { expect, it } from 'vitest';
import { isolate } from './bidi-isolate';

it('encloses names that would turn a sentence around, and no others', () => {
  expect(isolate('Zoë 🙂 山田')).toBe('Zoë 🙂 山田');
  expect(isolate('ليلى')).toBe('\u2068ليلى\u2069');
  expect(isolate('דנה')).toBe('\u2068דנה\u2069');
  expect(isolate('evil\u202Egnp.exe')).toBe('\u2068evil\u202Egnp.exe\u2069');
});
