import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '$lib/api/account';
import { activityWords } from './activity';

const me = { id: 'a', name: 'Ana' };
const ben = { id: 'b', name: 'Ben' };
const nobody = { id: '', name: 'nobody' };
const curfew = { id: '', name: 'Curfew' };
const operator = { id: '', name: "the server's operator" };

const words = (action: string, actor = me, details: AuditEntry['details'] = {}) =>
  activityWords(
    {
      action,
      actor,
      details,
      sequence: 1,
      at: '2026-01-02T14:02:00Z',
      target: '',
      address: '192.0.2.1',
      hash: '',
    },
    'a',
  );

describe('the activity', () => {
  it.each([
    [words('session.started'), 'You signed in from 192.0.2.1'],
    [
      words('session.refused', nobody),
      'Somebody tried to sign in with a wrong password from 192.0.2.1',
    ],
    [words('sessions.revoked_all', ben), 'Ben revoked all sessions'],
    [
      words('sessions.revoked_all', me, { reason: 'Laptop stolen' }),
      'You revoked all sessions: Laptop stolen',
    ],
    [words('session.ended', me, { reason: 'signed_out', member: 'a' }), 'You signed out'],
    [
      words('session.ended', me, { reason: 'revoked', member: 'a' }),
      'You ended one of your sessions',
    ],
    [
      words('session.ended', me, { reason: 'revoked', member: 'b' }),
      'You ended a session of another member',
    ],
    [
      words('session.ended', curfew, { reason: 'expired', member: 'a' }),
      'One of your sessions expired',
    ],
    [
      words('policy.saved', me, {
        after: { sessionLength: '12 hours', refreshAutomatically: true, maximumLifetime: '3 days' },
      }),
      'You saved the session configuration: 12 hours, refresh on, at most 3 days',
    ],
    [words('policy.saved'), 'You saved the session configuration'],
    [words('member.password_changed'), 'You changed your password'],
    [words('member.password_reset', operator), "The server's operator reset your password"],
    [words('session.reauthenticated'), 'You confirmed your password from 192.0.2.1'],
    [
      words('session.reauthentication_refused', nobody),
      'A wrong password was given to confirm who you are from 192.0.2.1',
    ],
    [words('organization.set_up'), 'You set up the organization'],
    [words('member.promoted', ben), 'Ben: member.promoted'],
  ])('%s', (said, expected) => expect(said).toBe(expected));
});
