import { describe, expect, it } from 'vitest';
import { Problem } from './api/problem';
import type { Ended, RevocationReceipt } from './api/session';
import { endedSentence, receiptSentence } from './ended';

const now = new Date(2026, 0, 2, 15, 0);
const at = new Date(2026, 0, 2, 14, 2).toISOString();

function after(ended?: Ended, code = 'session_revoked') {
  return new Problem({
    type: '',
    title: '',
    status: 401,
    detail: 'Sign in.',
    requestId: '',
    code,
    ...(ended ? { ended } : {}),
  });
}

describe('why one has to sign in again', () => {
  it.each<[Ended, string]>([
    [
      { reason: 'revoked_all', at, by: 'Ana', note: 'Laptop stolen' },
      'Ana signed everyone out at 14:02: Laptop stolen. Sign in again.',
    ],
    [
      { reason: 'revoked_all', at, by: 'Ana', note: 'Stolen!' },
      'Ana signed everyone out at 14:02: Stolen! Sign in again.',
    ],
    [{ reason: 'revoked_all', at }, 'Somebody signed everyone out at 14:02. Sign in again.'],
    [{ reason: 'expired', at }, 'Your session expired at 14:02. Sign in again.'],
    [
      { reason: 'expired', at: new Date(2025, 11, 30, 9, 5).toISOString() },
      'Your session expired on 30 December at 09:05. Sign in again.',
    ],
    [{ reason: 'revoked', at, by: 'Ben' }, 'Ben ended this session at 14:02. Sign in again.'],
  ])('%o', (ended, sentence) => expect(endedSentence(after(ended), now)).toBe(sentence));

  it('is what the server says where there is nothing else', () =>
    expect(endedSentence(after(undefined, 'token_invalid'), now)).toBe('Sign in.'));

  it('is nothing where there was no session', () =>
    expect(endedSentence(after(undefined, 'no_session'), now)).toBeNull());
});

it('tells the one who revoked what it did', () => {
  const receipt = { revokedAt: at, sessionsEnded: 31, membersSignedOut: 1 } as RevocationReceipt;
  expect(receiptSentence(receipt, now)).toBe(
    'You signed everyone out at 14:02: 31 sessions of 1 member ended.',
  );
});
