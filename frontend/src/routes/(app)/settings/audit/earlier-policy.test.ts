import { expect, it } from 'vitest';
import type { AuditEntry } from '$lib/api/audit';
import { earlierValues } from './earlier-policy';

const saved = (before: unknown, action = 'policy.saved') =>
  earlierValues({ action, details: { before } } as unknown as AuditEntry);

it.each([
  ['14 days', true, '30 days', '14d,refresh,30d'],
  ['1 hour', false, null, '1h,norefresh'],
  ['15 minutes', true, '1 week', '15m,refresh,1w'],
])('writes the values that were replaced: %s, %s, %s', (length, refresh, most, use) => {
  expect(
    saved({ sessionLength: length, refreshAutomatically: refresh, maximumLifetime: most }),
  ).toBe(`/settings/security?use=${use}`);
});

it('has none for other entries, and for values that it cannot read', () => {
  const before = { sessionLength: '14 days', refreshAutomatically: true, maximumLifetime: null };
  expect(saved(before, 'organization.renamed')).toBeNull();
  expect(saved(undefined)).toBeNull();
  expect(saved({ ...before, sessionLength: 'a fortnight' })).toBeNull();
  expect(saved({ ...before, maximumLifetime: '2 months' })).toBeNull();
});
