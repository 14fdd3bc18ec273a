import { describe, expect, it } from 'vitest';
import type { Ended, RevocationReceipt } from '../api/session';
import { canReturn, endedSentence, endedWords, receiptSentence } from './ended';
import type { Ending } from '../session/live.svelte';

const now = new Date(2026, 0, 2, 15, 0);
const at = new Date(2026, 0, 2, 14, 2).toISOString();

function after(ended?: Ended, code = 'session_revoked'): Ending {
  return { code, detail: 'Sign in.', ...(ended ? { ended } : {}) };
}

describe('why one has to sign in again', () => {
  it.each<[Ended, string]>([
    [
      { reason: 'revoked_all', at, by: 'Ana', note: 'Laptop stolen' },
      'Ana revoked all sessions at 14:02: Laptop stolen. Sign in again.',
    ],
    [
      { reason: 'revoked_all', at, by: 'Ana', note: 'Stolen!' },
      'Ana revoked all sessions at 14:02: Stolen! Sign in again.',
    ],
    [{ reason: 'revoked_all', at }, 'Somebody revoked all sessions at 14:02. Sign in again.'],
    [{ reason: 'expired', at }, 'Your session expired at 14:02. Sign in again.'],
    [
      { reason: 'expired', at: new Date(2025, 11, 30, 9, 5).toISOString() },
      'Your session expired on 30 December at 09:05. Sign in again.',
    ],
    [{ reason: 'revoked', at, by: 'Ben' }, 'Ben ended this session at 14:02. Sign in again.'],
    [
      { reason: 'member_deactivated', at },
      'Your account was deactivated at 14:02. You cannot sign in any more. Ask an owner or an admin.',
    ],
  ])('%o', (ended, sentence) => expect(endedSentence(after(ended), now)).toBe(sentence));

  it('is what the server says where there is nothing else', () =>
    expect(endedSentence(after(undefined, 'token_invalid'), now)).toBe('Sign in.'));

  it('is nothing where there was no session', () =>
    expect(endedSentence(after(undefined, 'no_session'), now)).toBeNull());
});

describe('why the page can go no further', () => {
  it.each<[Ending, string]>([
    [
      after({ reason: 'revoked_all', at, by: 'Ana', note: 'laptop stolen' }),
      'Ana revoked all sessions at 14:02: laptop stolen.',
    ],
    [
      after({ reason: 'credential_changed', at }),
      'Your password or second factor was changed at 14:02.',
    ],
    [
      after({ reason: 'member_deactivated', at }),
      'Your account was deactivated at 14:02. You cannot sign in any more. Ask an owner or an admin.',
    ],
    [after(undefined, 'no_session'), 'Nobody is signed in here any more.'],
    [after(undefined, 'token_invalid'), 'The server does not know this session any more.'],
  ])('%o', (ending, words) => expect(endedWords(ending, now)).toBe(words));

  it('does not promise a way back to a member who was deactivated', () => {
    expect(canReturn({ reason: 'member_deactivated', at })).toBe(false);
    expect(canReturn({ reason: 'expired', at })).toBe(true);
    expect(canReturn(undefined)).toBe(true);
  });
});

it('tells the one who revoked what it did', () => {
  const receipt = { revokedAt: at, sessionsEnded: 31, membersSignedOut: 1 } as RevocationReceipt;
  expect(receiptSentence(receipt, now)).toBe(
    'You signed everyone out at 14:02: 31 sessions of 1 member ended.',
  );
  expect(receiptSentence({ ...receipt, linksWithdrawn: 2 }, now)).toBe(
    'You signed everyone out at 14:02: 31 sessions of 1 member ended, 2 open links withdrawn.',
  );
});
