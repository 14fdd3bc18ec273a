import { expect, it } from 'vitest';
import { deviceName } from './device';

it.each([
  ['Firefox', 'Windows', 'desktop', 'Firefox on Windows'],
  ['curl', '', 'program', 'A program (curl)'],
  ['', '', 'program', 'A program'],
  ['Headless Chrome', 'Linux', 'bot', 'Headless Chrome on Linux'],
  ['Safari', '', 'phone', 'Safari'],
  ['', '', 'desktop', 'An unknown browser'],
] as const)('%s %s %s is %s', (browser, os, device, name) => {
  expect(deviceName({ address: '', userAgent: '', browser, os, device })).toBe(name);
});
