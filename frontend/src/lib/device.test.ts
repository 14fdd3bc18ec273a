import { expect, it } from 'vitest';
import { agentName, deviceName } from './device';

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

it.each([
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'Firefox on Windows',
  ],
  [
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
    'Chrome on Linux',
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
    'Edge on Windows',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
    'Safari on iOS',
  ],
  [
    'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
    'Chrome on Android',
  ],
  ['curl/8.14.1', 'curl'],
  ['Mozilla/4.0 (something old)', null],
  ['', null],
])('%s is %s', (agent, name) => expect(agentName(agent)).toBe(name));
