import { appendFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { safeReturnTo } from './return-to';

const ORIGIN = 'https://curfew.example.org';

/** Every way of saying the parts one after the other. */
function sentences(...parts: string[][]): string[] {
  return parts.reduce((all, part) => all.flatMap((start) => part.map((end) => start + end)), ['']);
}

const slashes = [
  '/',
  '//',
  '///',
  '\\',
  '/\\',
  '\\/',
  '\\\\',
  '/./',
  '/../',
  '/.\\',
  '/;/',
  '/%2f',
  '/%5c',
  '%2f',
  '/%09/',
  '',
];
// What address parsers pass over, or take for a slash or a dot.
const passedOver = [
  '',
  '\t',
  '\n',
  '\r',
  ' ',
  '\u0000',
  '\u000b',
  '\u001f',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\u00ad',
  '\u200b',
  '\u2028',
  '\u2029',
  '\ufeff',
  '\uff0f',
  '\u2215',
  '\u29f5',
  '\ud800',
  '.',
  '/',
  '\\',
];
const schemes = [
  'https:',
  'http:',
  'HTTPS:',
  'javascript:',
  'JaVaScRiPt:',
  'java\tscript:',
  'data:text/html,',
  'vbscript:',
  'file:',
  'ftp:',
  'blob:',
  'ws:',
  'about:',
  'view-source:',
  'https',
  ':',
];
const users = [
  '',
  'x@',
  'curfew.example.org@',
  'curfew.example.org:443@',
  'curfew.example.org%40',
  'curfew.example.org\\@',
];
const hosts = [
  'evil.example',
  'curfew.example.org.evil.example',
  'evil。example',
  'EVIL.example',
  'evil.example:443',
  '[::1]',
  '2130706433',
  '0x7f.1',
  'xn--evl-0ma.example',
  '%65vil.example',
  '',
];

/** Addresses by a grammar, and what got past others. */
const shapes = [
  ...new Set([
    ...sentences(slashes, passedOver, slashes, ['evil.example', 'evil.example/a?b#c']),
    ...sentences(passedOver, slashes, users, hosts),
    ...sentences(passedOver, schemes, slashes, [
      'evil.example',
      'alert(1)',
      'curfew.example.org@evil.example',
    ]),
    ...sentences(
      ['/a', '/a/', '/settings/security', '/sign-in', '/.', '/..'],
      passedOver,
      slashes,
      ['evil.example', '..', '../..//evil.example'],
    ),
    ...[
      '/%0d%0aLocation:%20https://evil.example',
      '/?next=//evil.example',
      '/#//evil.example',
      '/sign-in?next=/sign-in',
      '/api/session',
      '/%E3%80%82/evil.example',
      '/a:b',
      '/:80',
      '/@evil.example',
      '/.evil.example',
      '/a/..//evil.example',
      '/a/%2e%2e//evil.example',
      '/%2e%2e/\t/evil.example',
    ],
  ]),
];

// ASVS 3.7.2
it('never leads to another origin, whatever the address bar asks for', () => {
  expect(shapes.length).toBeGreaterThan(10_000);
  const rows: string[] = [];
  const wrong: string[] = [];
  let led = 0;
  for (const shape of shapes) {
    // As it arrives: read out of an address, by the rules of the URL standard.
    const asked = new URL(
      `/sign-in?next=${encodeURIComponent(shape.replace(/\p{Cs}/gu, '\ufffd'))}`,
      ORIGIN,
    );
    for (const next of [shape, asked.searchParams.get('next')]) {
      const back = safeReturnTo(next);
      const url = new URL(back, asked);
      const right =
        url.origin === ORIGIN && url.username === '' && url.href.startsWith(`${ORIGIN}/`);
      if (back === next) led++;
      if (!right) wrong.push(JSON.stringify(next));
      rows.push(
        ['redirects by the page', JSON.stringify(next), url.href, right ? 'right' : 'wrong'].join(
          '\t',
        ),
      );
    }
  }
  if (process.env.ATTACKS_ROWS) appendFileSync(process.env.ATTACKS_ROWS, rows.join('\n') + '\n');
  expect(wrong).toEqual([]);
  // The oracle has something to judge: not everything is refused, and what is refused would often
  // have led away.
  expect(led).toBeGreaterThan(500);
  const away = shapes.filter(
    (shape) => URL.canParse(shape, ORIGIN) && new URL(shape, ORIGIN).origin !== ORIGIN,
  );
  expect(away.length).toBeGreaterThan(2_000);
});
