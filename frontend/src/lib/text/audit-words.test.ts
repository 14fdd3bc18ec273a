import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../api/audit';
import {
  ACTIONS,
  differences,
  entryLook,
  entryMore,
  entryParts,
  entryWords,
  facts,
  memberOf,
  namesIn,
} from './audit-words';

const me = { id: 'a', name: 'Ana' };
const ben = { id: 'b', name: 'Ben' };
const nobody = { id: '', name: 'nobody' };
const curfew = { id: '', name: 'Curfew' };
const operator = { id: '', name: "the server's operator" };

const entry = (
  action: string,
  actor = me,
  details: AuditEntry['details'] = {},
  target = '',
): AuditEntry => ({
  action,
  actor,
  details,
  target,
  sequence: 1,
  at: '2026-01-02T14:02:00Z',
  address: '192.0.2.1',
  hash: '',
});

/** As the member with the id a reads it on their own account. */
const words = (...of: Parameters<typeof entry>) =>
  entryWords({ ...entry(...of), target: of[3] ?? 'member:a' }, { self: 'a' });

/** As it stands in the log of all, where Ben is known by name and c is not. */
const said = (...of: Parameters<typeof entry>) =>
  entryWords(entry(...of), { nameOf: (id) => (id === 'b' ? 'Ben' : undefined) });

describe('the activity', () => {
  it.each([
    [words('session.started'), 'You signed in'],
    [words('session.refused', nobody), 'Wrong password'],
    [words('sessions.revoked_all', ben), 'Ben revoked all sessions'],
    [words('sessions.revoked', ben), 'Ben revoked all sessions that matched a filter'],
    [words('sessions.exported', ben), 'Ben exported the list of sessions'],
    [words('sessions.revoked_all', me, { reason: 'Laptop stolen' }), 'You revoked all sessions'],
    [words('session.ended', me, { reason: 'signed_out', member: 'a' }), 'You signed out'],
    [
      words('session.ended', me, { reason: 'revoked', member: 'a' }),
      'You signed out another of your sessions',
    ],
    [
      words('session.ended', me, { reason: 'revoked', member: 'b' }),
      'You revoked a session of another member',
    ],
    [
      words('session.ended', curfew, { reason: 'expired', member: 'a' }),
      'One of your sessions expired',
    ],
    [
      words('policy.saved', me, {
        after: { sessionLength: '12 hours', refreshAutomatically: true, maximumLifetime: '3 days' },
      }),
      'You changed the session configuration: 12 hours, refresh on, at most 3 days',
    ],
    [words('policy.saved'), 'You changed the session configuration'],
    [words('member.password_changed'), 'You changed your password'],
    [words('member.password_reset', operator), "The server's operator reset your password"],
    [words('session.reauthenticated'), 'You confirmed your identity'],
    [words('session.reauthentication_refused', nobody), 'Wrong password to confirm your identity'],
    [
      words('session.refused', nobody, { wrong: 'code' }),
      'Someone entered your correct password but a wrong code',
    ],
    [
      words('session.refused', nobody, { wrong: 'no_code' }),
      'Someone entered your correct password but no code',
    ],
    [words('session.refused', nobody, { wrong: 'passkey' }), 'A passkey was refused'],
    [
      words('session.reauthentication_refused', nobody, { wrong: 'code' }),
      'Wrong code to confirm your identity',
    ],
    [
      words('session.reauthentication_refused', nobody, { wrong: 'passkey' }),
      'A passkey was refused',
    ],
    [words('member.second_factor_set'), 'You set up a second factor'],
    [words('member.second_factor_removed'), 'You removed your second factor'],
    [words('member.second_factor_removed', ben), 'Ben removed your second factor'],
    [
      words('member.second_factor_removed', operator),
      "The server's operator removed your second factor",
    ],
    [words('member.recovery_codes_made'), 'You created new recovery codes'],
    [words('member.recovery_code_used'), 'You used a recovery code'],
    [words('member.passkey_added', me, { name: 'Laptop' }), 'You added a passkey'],
    [words('member.passkey_added', me, { name: 'هاتف' }), 'You added a passkey'],
    [words('member.passkey_added'), 'You added a passkey'],
    [words('member.passkey_removed'), 'You removed a passkey'],
    [words('organization.set_up'), 'You set up the organization'],
    [words('member.promoted', ben), 'Ben: member.promoted'],
  ])('%s', (said, expected) => expect(said).toBe(expected));
});

describe('the log', () => {
  const signedInWith = (browser: string, os: string) =>
    entryWords(
      {
        ...entry('session.started', ben),
        client: { address: '192.0.2.1', userAgent: '', browser, os, device: 'desktop' },
      },
      {},
    );
  it.each([
    [signedInWith('Firefox', 'Windows'), 'Ben signed in'],
    [signedInWith('curl', ''), 'Ben signed in'],
    [signedInWith('', ''), 'Ben signed in'],
    [said('session.started', ben), 'Ben signed in'],
    [said('session.refused', nobody, {}, 'member:b'), 'Wrong password for Ben'],
    [said('session.refused', nobody), 'Sign-in with an unknown e-mail address'],
    [said('session.ended', curfew, { reason: 'expired', member: 'b' }), 'A session of Ben expired'],
    [
      said('session.ended', curfew, { reason: 'expired', member: 'c' }),
      'A session of another member expired',
    ],
    [said('session.ended', ben, { reason: 'signed_out', member: 'b' }), 'Ben signed out'],
    [said('session.ended', me, { reason: 'revoked', member: 'b' }), 'Ana revoked a session of Ben'],
    [
      said('session.ended', ben, { reason: 'revoked', member: 'b' }),
      'Ben signed out another of their sessions',
    ],
    [said('member.invited', me, { name: 'Dee', role: 'admin' }, 'member:b'), 'Ana invited Ben'],
    [
      said(
        'member.changed',
        me,
        { before: { role: 'member' }, after: { role: 'owner' } },
        'member:b',
      ),
      'Ana made Ben an owner',
    ],
    [
      said(
        'member.changed',
        me,
        { before: { active: true }, after: { active: false } },
        'member:b',
      ),
      'Ana blocked sign-in for Ben',
    ],
    [
      said('member.changed', me, { before: { name: 'B' }, after: { name: 'Ben' } }, 'member:b'),
      'Ana renamed B to Ben',
    ],
    [
      said(
        'member.changed',
        me,
        { before: { name: 'B', role: 'member' }, after: { name: 'Ben', role: 'admin' } },
        'member:b',
      ),
      'Ana changed Ben',
    ],
    [
      said('member.changed', me, { before: { name: 'B' }, after: { name: 'ليلى' } }, 'member:b'),
      'Ana renamed B to \u2068ليلى\u2069',
    ],
    [
      said('member.changed', ben, { before: { name: 'B' }, after: { name: 'Ben' } }, 'member:b'),
      'Ben changed their name to Ben',
    ],
    [
      said('member.changed', me, { before: { name: '' }, after: { name: 'Ben' } }, 'member:b'),
      'Ana named Ben',
    ],
    [
      said(
        'member.changed',
        me,
        { before: { email: 'bne@example.org' }, after: { email: 'ben@example.org' } },
        'member:b',
      ),
      'Ana changed the e-mail address of Ben to ben@example.org',
    ],
    [
      said('session.ended', me, { reason: 'member_removed', member: 'b' }),
      'A session of Ben was ended with the account',
    ],
    [said('member.sessions_revoked', me, {}, 'member:b'), 'Ana signed Ben out everywhere'],
    [said('member.sessions_revoked', ben, {}, 'member:b'), 'Ben signed out everywhere'],
    [
      said('member.link_issued', me, { kind: 'reset' }, 'member:b'),
      'Ana created a password reset link for Ben',
    ],
    [
      said('member.link_issued', me, { kind: 'invitation' }, 'member:b'),
      'Ana created a new invitation link for Ben',
    ],
    [said('member.link_used', ben, { kind: 'invitation' }), 'Ben accepted the invitation'],
    [said('member.link_used', ben, { kind: 'reset' }), 'Ben set a new password with a link'],
    [
      said('member.password_reset', operator, {}, 'member:b'),
      "The server's operator reset the password of Ben",
    ],
    [
      said(
        'member.removed',
        operator,
        { invited: false, before: { name: 'Cy', email: 'cy@example.org' } },
        'member:c',
      ),
      "The server's operator removed Cy for good",
    ],
    [
      said(
        'member.removed',
        operator,
        { invited: true, before: { name: '', email: 'cy@example.org' } },
        'member:c',
      ),
      "The server's operator deleted the invitation of cy@example.org",
    ],
    [
      said('organization.renamed', operator, { before: { name: 'Old' }, after: { name: 'New' } }),
      "The server's operator renamed the organization to New",
    ],
    [said('guidelines.chosen', operator), "The server's operator chose which guidelines apply"],
    [
      said('organization.changed', operator, { before: { logo: 'a' }, after: { logo: '' } }),
      "The server's operator removed the organization's logo",
    ],
    [
      said('organization.changed', operator, { before: { logo: '' }, after: { logo: 'b' } }),
      "The server's operator changed the organization's logo",
    ],
    [
      said('organization.changed', operator, {
        before: { helpContact: '' },
        after: { helpContact: 'Ana' },
      }),
      "The server's operator changed the help contact",
    ],
    [said('database.backed_up', operator), "The server's operator created a backup"],
    [
      said('database.restored', operator),
      "The server's operator restored a backup, which signed everyone out",
    ],
    [
      said('clock.accepted', operator),
      "The server's operator accepted the machine's time, which signed everyone out",
    ],
    [said('audit.exported', operator), "The server's operator exported the audit log"],
    [said('members.exported'), 'Ana exported the list of members'],
    [
      said('audit.chain_repaired', { id: '', name: 'Curfew' }),
      'Curfew repaired hashes of the audit log that an early version lost, and proved that no entry was changed',
    ],
    [
      said('session.refused', nobody, { wrong: 'code' }, 'member:b'),
      'Someone entered the correct password of Ben but a wrong code',
    ],
    [
      said('session.refused', nobody, { wrong: 'no_code' }, 'member:b'),
      'Someone entered the correct password of Ben but no code',
    ],
    [said('session.refused', nobody, { wrong: 'passkey' }), 'A passkey was refused'],
    [
      said('session.reauthentication_refused', nobody, { wrong: 'code' }, 'member:b'),
      'Wrong code to confirm as Ben',
    ],
    [said('member.second_factor_set', ben, {}, 'member:b'), 'Ben set up a second factor'],
    [said('member.second_factor_removed', ben, {}, 'member:b'), 'Ben removed their second factor'],
    [
      said('member.second_factor_removed', operator, {}, 'member:b'),
      "The server's operator removed the second factor of Ben",
    ],
    [said('member.recovery_codes_made', ben, {}, 'member:b'), 'Ben created new recovery codes'],
    [said('member.recovery_code_used', ben, {}, 'member:b'), 'Ben used a recovery code'],
    [said('member.passkey_added', ben, { name: 'Laptop' }, 'member:b'), 'Ben added a passkey'],
    [said('member.passkey_removed', ben, {}, 'member:b'), 'Ben removed a passkey'],
    [
      said('sign_in.second_factor_demanded', me, { after: { requireSecondFactor: true } }),
      'Ana required two-step sign-in for everyone',
    ],
    [
      said('sign_in.second_factor_demanded', operator, { after: { requireSecondFactor: false } }),
      "The server's operator stopped requiring two-step sign-in",
    ],
    [said('session.reauthenticated', ben), 'Ben confirmed their identity'],
    [
      said('session.reauthentication_refused', nobody, {}, 'member:b'),
      'Wrong password to confirm as Ben',
    ],
  ])('%s', (is, expected) => expect(is).toBe(expected));

  it.each([
    [1, {}, 'Wrong password for Ben once more'],
    [37, { wrong: 'passkey' }, 'A passkey was refused 37 more times'],
  ])('counts %i refusals without an entry of their own', (count, details, expected) => {
    const counted = {
      ...entry('session.refused', nobody, { ...details, count }, 'member:b'),
      address: '',
    };
    expect(entryWords(counted, { nameOf: () => 'Ben' })).toBe(expected);
  });
});

describe('next to the sentence', () => {
  const client = { address: '', userAgent: '', browser: 'Firefox', os: 'Windows' };
  const more = (of: AuditEntry) => entryMore(of, { nameOf: () => 'Ben' });

  it('stands on what device and from where, for those who signed in or tried to', () => {
    const started = { ...entry('session.started', ben), client: { ...client, device: 'desktop' } };
    expect(more(started as AuditEntry)).toEqual(['Firefox on Windows', '192.0.2.1']);
    expect(more(entry('session.refused', nobody))).toEqual(['192.0.2.1']);
    expect(more(entry('policy.saved'))).toEqual([]);
  });

  it('stands how many sessions ended, and why', () => {
    const revoked = { sessionsEnded: 1204, membersSignedOut: 1, reason: 'سرقة' };
    expect(more(entry('sessions.revoked_all', me, revoked))).toEqual([
      '1,204 sessions of 1 member',
      '“\u2068سرقة\u2069”',
    ]);
    expect(more(entry('member.sessions_revoked', me, { sessionsEnded: 3 }))).toEqual([
      '3 sessions',
    ]);
    expect(more(entry('session.ended', me, { reason: 'expired' }))).toEqual([]);
  });

  it('stands the role, the name of a passkey, the format of a file', () => {
    expect(more(entry('member.invited', me, { role: 'admin' }))).toEqual(['as an admin']);
    expect(more(entry('member.passkey_added', me, { name: 'Laptop' }))).toEqual(['Laptop']);
    expect(more(entry('audit.exported', me, { format: 'csv' }))).toEqual(['CSV']);
  });
});

it('looks like what happened', () => {
  expect(entryLook(entry('session.started'))).toEqual({ icon: 'session', tone: '' });
  expect(entryLook(entry('policy.saved'))).toEqual({ icon: 'shield', tone: 'calm' });
  expect(entryLook(entry('session.ended', me, { reason: 'signed_out' })).tone).toBe('');
  expect(entryLook(entry('session.ended', me, { reason: 'token_reuse' })).tone).toBe('bad');
  expect(entryLook(entry('member.promoted'))).toEqual({ icon: 'log', tone: '' });
});

it('sets names apart, and leaves out what is shown next to the sentence', () => {
  const made = entry(
    'member.changed',
    me,
    { before: { role: 'a' }, after: { role: 'b' } },
    'member:b',
  );
  const names = { nameOf: () => 'Ben' };
  expect(entryParts(made, names)).toEqual([{ name: 'Ana' }, ' made ', { name: 'Ben' }, ' ', 'a b']);
  expect(entryParts(made, names, true)).toEqual([{ name: 'Ana' }, ' changed ', { name: 'Ben' }]);
});

it.each([
  [{ sessionLength: '12 days' }, 'set the session length to 12 days'],
  [{ refreshAutomatically: false }, 'turned automatic refresh off'],
  [{ maximumLifetime: '30 days' }, 'set the maximum lifetime to 30 days'],
  [{ maximumLifetime: null }, 'removed the maximum lifetime'],
])('tells one change of the policy: %o', (change, expected) => {
  const before = { sessionLength: '14 days', refreshAutomatically: true, maximumLifetime: '1 day' };
  const saved = entry('policy.saved', me, { before, after: { ...before, ...change } });
  expect(entryWords(saved, {})).toBe(`Ana ${expected}`);
});

it('has a sentence and a name for every action that the API knows', () => {
  const schema = readFileSync('src/lib/api/schema.d.ts', 'utf8');
  const known = /action\?: ((?:'[a-z_.]+'(?: \| )?|"[a-z_.]+"(?: \| )?)+);/.exec(schema)?.[1] ?? '';
  const actions = [...known.matchAll(/[a-z_]+\.[a-z_]+/g)].map(([action]) => action);
  expect(actions.length).toBeGreaterThan(25);
  expect(ACTIONS.map(({ value }) => value)).toEqual(expect.arrayContaining(actions));
});

describe('the details', () => {
  const saved = entry('policy.saved', me, {
    before: { sessionLength: '14 days', refreshAutomatically: true, maximumLifetime: null },
    after: { sessionLength: '14 days', refreshAutomatically: false, maximumLifetime: '30 days' },
    version: 3,
  });

  it('show only what changed, in words', () => {
    expect(differences(saved)).toEqual([
      { name: 'Refresh automatically', before: 'on', after: 'off' },
      { name: 'Maximum lifetime', before: 'none', after: '30 days' },
    ]);
    expect(differences(entry('session.started'))).toEqual([]);
  });

  it('tell whether a second factor is demanded', () => {
    const demanded = entry('sign_in.second_factor_demanded', me, {
      before: { requireSecondFactor: false },
      after: { requireSecondFactor: true },
    });
    expect(differences(demanded)).toEqual([
      { name: 'Two-step sign-in', before: 'optional', after: 'required' },
    ]);
    expect(facts(entry('session.refused', nobody, { wrong: 'no_code' }))).toEqual([
      { name: 'Wrong', value: 'no code' },
    ]);
  });

  it('tell the rest as facts', () => {
    expect(facts(saved)).toEqual([]);
    expect(
      facts(
        entry('sessions.revoked_all', me, {
          sessionsEnded: 1204,
          reason: '',
          methods: ['password'],
          more: { deep: 1 },
        }),
      ),
    ).toEqual([
      { name: 'Proved by', value: 'password' },
      { name: 'More', value: 'deep: 1' },
    ]);
  });
});

it('knows whom an entry concerns, and which names it holds', () => {
  expect(memberOf(entry('member.changed', me, {}, 'member:b'))).toBe('b');
  expect(memberOf(entry('session.ended', curfew, { member: 'b' }, 'session:s'))).toBe('b');
  expect(memberOf(entry('policy.saved', me, {}, 'organization'))).toBeNull();
  expect(namesIn([entry('member.changed', me, { after: { name: 'Ben' } }, 'member:b')])).toEqual([
    ['a', 'Ana'],
    ['b', 'Ben'],
  ]);
});
