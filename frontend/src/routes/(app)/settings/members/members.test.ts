import { describe, expect, it } from 'vitest';
import type { Member } from '$lib/api/members';
import { Problem } from '$lib/api/problem';
import {
  addressError,
  credentialsOf,
  factorOf,
  filterMenus,
  stateBadge,
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
    expect(stateNote(invited, lastInstant)).toMatch(/^Expires 9\sJan$/);
    expect(linkNote(invited, lastInstant)).toMatch(/^Invitation, expires 9\sJan,\s\d\d:02$/);
    expect(stateNote(reset, lastInstant)).toBeNull();
    expect(linkNote(reset, lastInstant)).toMatch(/^Password reset, expires 9\sJan,/);
  });

  it('that expired matters to a member who waits for it', () => {
    expect(stateNote(invited, over)).toBe('Link expired');
    expect(linkNote(invited, over)).toBe('The invitation link has expired');
    expect(stateNote(reset, over)).toBeNull();
    expect(linkNote(reset, over)).toBeNull();
  });

  it('is not there, or opens nothing', () => {
    expect(stateNote(bo, over)).toBeNull();
    expect(stateNote({ ...invited, state: 'deactivated' }, lastInstant)).toBeNull();
    expect(linkNote({ ...invited, state: 'deactivated' }, lastInstant)).toBeNull();
  });
});

it('says a state only if it is not the usual one', () => {
  expect(stateBadge(bo)).toBeNull();
  expect(stateBadge({ ...bo, state: 'invited' })?.name).toBe('Invited');
  expect(stateBadge({ ...bo, state: 'deactivated' })?.name).toBe('Blocked');
});

describe('what a member signs in with', () => {
  it.each([
    [false, 0, ''],
    [true, 0, 'App'],
    [false, 1, 'Passkey'],
    [false, 2, '2 passkeys'],
    [true, 1, 'App, passkey'],
    [true, 3, 'App, 3 passkeys'],
  ])('%s, %i', (secondFactor, passkeys, words) =>
    expect(factorOf({ ...bo, secondFactor, passkeys })).toBe(words),
  );
});

it('counts what each choice of a filter would leave', () => {
  const menus = filterMenus({
    role: { owner: 1 },
    state: { active: 2 },
    secondFactor: { none: 3 },
  });
  expect(menus.map(({ label }) => label)).toEqual(['Role', 'Second factor', 'State']);
  expect(menus[0]?.options[0]).toEqual({ value: 'owner', label: 'Owner', count: 1 });
  expect(menus[1]?.options.map(({ count }) => count)).toEqual([3, 0, 0]);
  expect(filterMenus(undefined)[0]?.options[0]?.count).toBeUndefined();
});

describe('what the server is asked for', () => {
  it('is what was chosen', () => {
    expect(
      memberQuery(
        { q: 'bo', role: 'admin', state: 'invited', secondFactor: 'none' },
        { key: 'createdAt', order: 'desc' },
      ),
    ).toEqual({
      q: 'bo',
      role: 'admin',
      state: 'invited',
      secondFactor: 'none',
      sort: 'createdAt',
      order: 'desc',
    });
  });

  it('is nothing that it does not know', () => {
    expect(
      memberQuery(
        { q: '', role: 'emperor', state: 'asleep', secondFactor: 'sms' },
        { key: 'height', order: 'asc' },
      ),
    ).toEqual({ order: 'asc' });
  });
});
