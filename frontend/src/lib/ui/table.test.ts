import { describe, expect, it } from 'vitest';
import { nextSort, sortChoices, sortFrom, tracksOf } from './table';

const member = { name: 'Member', sort: { key: 'member', kind: 'words' as const } };
const ends = { name: 'Ends', sort: { key: 'ends', kind: 'time' as const } };
const columns = [member, ends, { name: 'Actions' }];
const otherwise = { key: 'lastSeen', order: 'desc' as const };

describe('the order that the address asks for', () => {
  it.each([
    ['', '', otherwise],
    ['ends', 'asc', { key: 'ends', order: 'asc' }],
    ['ends', '', { key: 'ends', order: 'desc' }],
    ['member', 'upwards', { key: 'member', order: 'asc' }],
    ['shoe size', 'asc', otherwise],
  ])('%s %s', (sort, order, expected) =>
    expect(sortFrom({ sort, order }, columns, otherwise)).toEqual(expected),
  );
});

it('begins with the natural order of a column, and turns it around', () => {
  const first = nextSort(ends, otherwise);
  expect(first).toEqual({ key: 'ends', order: 'desc' });
  const second = nextSort(ends, first);
  expect(second).toEqual({ key: 'ends', order: 'asc' });
  expect(nextSort(ends, second)).toEqual(first);
  expect(nextSort(member, second)).toEqual({ key: 'member', order: 'asc' });
});

it('names every order', () => {
  expect(sortChoices(columns).map(({ name }) => name)).toEqual([
    'Member, A to Z',
    'Member, Z to A',
    'Ends, latest first',
    'Ends, earliest first',
  ]);
});

it('gives each width of the screen its tracks', () => {
  const tracks = [{ width: '1fr' }, { width: '2rem', widest: '3rem', roomy: true }];
  expect(tracksOf(tracks, '1.5rem')).toEqual({
    narrow: '1.5rem 1fr',
    wide: '1.5rem 1fr 2rem',
    widest: '1.5rem 1fr 3rem',
  });
});
