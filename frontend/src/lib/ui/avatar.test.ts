import { expect, test } from 'vitest';
import { initials, tone } from './avatar';

test.each([
  ['Nandini Iyer', 'NI'],
  ['Ana María de la Cruz', 'AC'],
  ['Xóchitl Ramírez', 'XR'],
  ['élan', 'É'],
  ['عمر المنصوري', 'ع'],
  ['Archive (pipeline)', 'A'],
  ['\u2068Kim\u2069 Tan', 'KT'],
  ['  ', ''],
  ['—', ''],
])('the initials of %j are %j', (name, letters) => expect(initials(name)).toBe(letters));

test('a tone is one of six, and always the same', () => {
  const ids = Array.from({ length: 60 }, (_, i) => `01928c${i}`);
  const tones = new Set(ids.map(tone));
  expect([...tones].sort()).toEqual(['t1', 't2', 't3', 't4', 't5', 't6']);
  expect(tone('x')).toBe(tone('x'));
});
