import { describe, expect, it } from 'vitest';
import type { Hint } from '$lib/api/overview';
import { dismissable, goodWords, hintWords, stepWords } from './hints';

const NOW = Date.parse('2026-12-01T12:00:00Z');
const OWNER = { id: 'a', role: 'owner' as const };
const words = (hint: Hint, reader: { id: string; role: 'owner' | 'admin' | 'auditor' } = OWNER) =>
  hintWords(hint, reader, NOW);

describe('hintWords', () => {
  it('tell the only owner from others', () => {
    const hint: Hint = { kind: 'only_owner', member: { id: 'a', name: 'Ana' } };
    expect(words(hint)).toMatchObject({
      title: 'You are the only owner',
      button: 'Add one',
    });
    expect(words(hint, { id: 'b', role: 'admin' })).toMatchObject({
      title: 'There is only one owner',
      button: 'See who',
    });
  });

  it('count members, and admins among them', () => {
    const hint: Hint = { kind: 'second_factor', count: 1146, admins: 2 };
    expect(words(hint)).toMatchObject({
      title: '1,146 without a second factor',
      text: '2 of them are admins.',
      path: '/settings/members?secondFactor=none&state=active',
    });
    expect(words({ ...hint, admins: 1 }).text).toBe('1 of them is an admin.');
    expect(words({ kind: 'second_factor', count: 3 }).text).toMatch(/stolen password/);
  });

  it('tell since when', () => {
    const at = '2026-10-28T10:00:00Z';
    expect(words({ kind: 'backup', at }).title).toBe('Last backup 34 days ago');
    expect(words({ kind: 'backup' }).title).toBe('No backup yet');
    expect(words({ kind: 'log_unverified', at }).title).toBe('Audit log verified 34 days ago');
    expect(words({ kind: 'clock', count: 61 }).title).toBe(
      'The server’s clock is 2 minutes behind',
    );
  });

  it('have one button each, and broken things cannot be dismissed', () => {
    const kinds = ['log_broken', 'clock', 'data_folder', 'mail', 'log_unverified'] as const;
    for (const kind of kinds) expect(words({ kind }).button).toBeTruthy();
    expect(kinds.map((kind) => dismissable({ kind }))).toEqual([
      null,
      null,
      'data_folder',
      'mail',
      'log_unverified',
    ]);
  });
});

it('each step of the set-up has a button', () => {
  const policy = {
    sessionLength: { value: 14, unit: 'days' as const },
    refreshAutomatically: true,
    maximumLifetime: null,
  };
  for (const kind of ['second_factor', 'mail', 'second_owner', 'policy', 'backup'] as const) {
    expect(stepWords({ kind, done: false }, policy).path).toMatch(/^\//);
  }
  expect(stepWords({ kind: 'policy', done: false }, policy).text).toBe('Now 14 days.');
});

it('what is good is one line', () => {
  expect(goodWords(['https', 'mail', 'log'])).toBe('All good: HTTPS, mail server, audit log.');
});
