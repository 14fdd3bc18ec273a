import { expect, it } from 'vitest';
import { auditQuery } from './filters';

const none = { member: '', action: '', from: '', to: '' };

it('asks for nothing in particular without filters', () => {
  expect(auditQuery(none)).toEqual({});
});

it('takes both days whole', () => {
  expect(auditQuery({ ...none, from: '2026-02-27', to: '2026-02-28' })).toEqual({
    since: new Date(2026, 1, 27).toISOString(),
    until: new Date(2026, 2, 1).toISOString(),
  });
});

it('passes over what is no day', () => {
  expect(auditQuery({ ...none, from: 'yesterday', to: '2026-1-1' })).toEqual({});
});

it('names member and action', () => {
  expect(auditQuery({ ...none, member: 'm1', action: 'policy.saved' })).toEqual({
    member: 'm1',
    action: 'policy.saved',
  });
});
