import { describe, expect, it } from 'vitest';
import { HOME, homeOf, signInPath, safeReturnTo } from './return-to';

// ASVS 3.7.2
describe('the way back after signing in', () => {
  it.each(['/', '/settings/security', '/settings/security?tab=1#x', '/a//b', '/ü'])(
    'may be %s',
    (next) => expect(safeReturnTo(next)).toBe(next),
  );

  it.each([
    null,
    '',
    'settings',
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/a\\b',
    '\\/evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/a\u0000',
    '/a\u0085',
    ' /a',
    'javascript:alert(1)',
  ])('is never %j', (next) => expect(safeReturnTo(next)).toBe(HOME));

  it('leads home without one, which is not the settings for everybody', () => {
    expect(safeReturnTo(null, homeOf({ role: 'member' }))).toBe('/account');
    expect(safeReturnTo('/settings/members', homeOf({ role: 'member' }))).toBe('/settings/members');
    for (const role of ['owner', 'admin', 'auditor'] as const) expect(homeOf({ role })).toBe(HOME);
  });

  it('survives the address bar', () => {
    const from = new URL('http://curfew.test/settings/members?q=a&b=c');
    const path = new URL(signInPath(from), from);
    expect(path.pathname).toBe('/sign-in');
    expect(safeReturnTo(path.searchParams.get('next'))).toBe('/settings/members?q=a&b=c');
  });
});
