import { expect, it } from 'vitest';
import { namesOf, whichSession } from './which';

const at = (day: number) => new Date(2026, 10, day, 9, 30, 5).toISOString();

it('tells a session by its address and times', () => {
  const client = {
    address: '192.0.2.21',
    userAgent: '',
    browser: '',
    os: '',
    device: 'desktop' as const,
  };
  expect(whichSession({ client, authenticatedAt: at(3), lastSeenAt: at(24) })).toBe(
    '192.0.2.21, signed in 3 Nov 2026, 09:30:05, last seen 24 Nov 2026, 09:30:05',
  );
});

it('tells names apart that are equal, and leaves the others short', () => {
  const list = ['a1', 'b1', 'a2', 'a2'].map((id) => ({ id }));
  const named = (more?: (item: { id: string }) => string) => [
    ...namesOf(list, ({ id }) => id.charAt(0), more).values(),
  ];
  expect(named()).toEqual(['a', 'b', 'a, no. 2', 'a, no. 3']);
  expect(named(({ id }) => id)).toEqual(['a, a1', 'b', 'a, a2', 'a, a2, no. 2']);
});
