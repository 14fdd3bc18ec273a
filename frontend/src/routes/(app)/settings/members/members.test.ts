import { describe, expect, it } from 'vitest';
import type { Member } from '$lib/api/members';
import { Problem } from '$lib/api/problem';
import {
  addressError,
  credentialsOf,
  stateNote,
  isDemotion,
  linkNote,
  mayManage,
  memberQuery,
  nameOf,
  ROLES,
  rolesToGive,
} from './members';

const bo: Member = {
  id: '1',
  name: 'Bo',
  email: 'bo@example.org',
  role: 'member',
  state: 'active',
  createdAt: '2026-01-02T14:02:00Z',
  sessions: 2,
  secondFactor: false,
  passkeys: 0,
  link: null,
};

describe('nobody gives a role above their own, or touches who stands above them', () => {
  it.each([
    ['owner', ['owner', 'admin', 'auditor', 'member']],
    ['admin', ['admin', 'auditor', 'member']],
    ['auditor', []],
    ['member', []],
  ] as const)('%s', (by, roles) => {
    expect(rolesToGive(by)).toEqual(roles);
    expect(ROLES.filter((role) => mayManage(by, role))).toEqual(roles);
  });
});

it('tells a demotion from a rise', () => {
  expect(isDemotion('owner', 'admin')).toBe(true);
  expect(isDemotion('auditor', 'member')).toBe(true);
  expect(isDemotion('admin', 'admin')).toBe(false);
  expect(isDemotion('member', 'auditor')).toBe(false);
});

it('calls somebody without a name by their address', () => {
  expect(nameOf(bo)).toBe('Bo');
  expect(nameOf({ ...bo, name: '' })).toBe('bo@example.org');
});

it('names what goes with a member', () => {
  expect(credentialsOf(bo)).toBe('the password and every link');
  expect(credentialsOf({ ...bo, secondFactor: true, passkeys: 1 })).toBe(
    'the password, the second factor, 1 passkey and every link',
  );
});

describe('what is wrong with an address', () => {
  const problem = (code: string, errors?: { field: string; code: string; message: string }[]) =>
    new Problem({
      type: '',
      title: '',
      status: 409,
      detail: 'In the words of the API.',
      code,
      requestId: '',
      ...(errors ? { errors } : {}),
    });

  it.each([
    [null, undefined],
    [problem('last_owner'), undefined],
    [problem('email_taken'), 'In the words of the API.'],
    [problem('invalid_input', [{ field: 'email', code: 'email', message: 'Bad.' }]), 'Bad.'],
    [problem('address_retired'), "This address was another member's."],
  ])('%s', (refused, words) => expect(addressError(refused, 'owner')).toBe(words));

  it('sends an admin to an owner', () =>
    expect(addressError(problem('address_retired'), 'admin')).toMatch(/ask an owner/));
});

describe('the waiting link', () => {
  const link = (kind: 'invitation' | 'reset') => ({
    kind,
    createdAt: '2026-01-02T14:02:00Z',
    expiresAt: '2026-01-09T14:02:00Z',
  });
  const invited: Member = { ...bo, state: 'invited', link: link('invitation') };
  const reset: Member = { ...bo, link: link('reset') };
  const lastInstant = new Date('2026-01-09T14:01:59.999Z');
  const over = new Date('2026-01-09T14:02:00Z');

  it('is said for as long as it is good', () => {
    expect(stateNote(invited, lastInstant)).toMatch(/^until 9\sJan,\s\d\d:02$/);
    expect(linkNote(invited, lastInstant)).toMatch(/^Invitation link good until 9\sJan,/);
    expect(stateNote(reset, lastInstant)).toMatch(/^Reset link until 9\sJan,/);
    expect(linkNote(reset, lastInstant)).toMatch(/^Reset link good until 9\sJan,/);
  });

  it('that ran out matters to whoever waits for it', () => {
    expect(stateNote(invited, over)).toBe('Link run out');
    expect(linkNote(invited, over)).toBe('The invitation link has run out');
    expect(stateNote(reset, over)).toBeNull();
    expect(linkNote(reset, over)).toBeNull();
  });

  it('is not there, or opens nothing', () => {
    expect(stateNote(bo, over)).toBeNull();
    expect(stateNote({ ...invited, state: 'deactivated' }, lastInstant)).toBeNull();
  });
});

describe('what the server is asked for', () => {
  it('is what was chosen', () => {
    expect(
      memberQuery(
        { q: 'bo', role: 'admin', state: 'invited' },
        { key: 'createdAt', order: 'desc' },
      ),
    ).toEqual({ q: 'bo', role: 'admin', state: 'invited', sort: 'createdAt', order: 'desc' });
  });

  it('is nothing that it does not know', () => {
    expect(
      memberQuery({ q: '', role: 'emperor', state: 'asleep' }, { key: 'height', order: 'asc' }),
    ).toEqual({ order: 'asc' });
  });
});
