import { expect, test } from 'vitest';
import type { AuditEntry } from '$lib/api/audit';
import { happenings } from './activity';

const entry = (sequence: number, action: string, address = '192.0.2.1'): AuditEntry => ({
  sequence,
  action,
  address,
  at: '2026-11-23T14:00:00Z',
  actor: { id: '', name: 'nobody' },
  target: 'member:me',
  details: {},
  hash: '',
});

test('attempts that failed alike in a row are one line, and nothing else is', () => {
  const entries = [
    entry(6, 'session.refused'),
    entry(5, 'session.refused'),
    entry(4, 'session.refused', '192.0.2.2'),
    entry(3, 'member.password_changed'),
    entry(2, 'member.password_changed'),
    entry(1, 'session.refused', '192.0.2.2'),
  ];
  expect(happenings(entries, 'me').map(({ entry, times }) => [entry.sequence, times])).toEqual([
    [6, 2],
    [4, 1],
    [3, 1],
    [2, 1],
    [1, 1],
  ]);
});
