import '../../../test/fake-server';
import { beforeEach, expect, it, vi } from 'vitest';
import { passive } from '../api/client';
import { SessionOver } from '../api/problem';
import { LiveList } from './live-list.svelte';

const { page } = vi.hoisted(() => ({ page: { url: new URL('http://localhost/list?q=a') } }));
vi.mock('$app/state', () => ({ page }));
vi.mock('$app/navigation', () => ({ goto: vi.fn() }));

interface Item {
  id: number;
  name: string;
}
const item = (id: number, name = `n${id}`): Item => ({ id, name });
const ids = (list: { items: Item[] }) => list.items.map(({ id }) => id);

const read = vi.fn();
const answer = (total: number, ...items: Item[]) => read.mockResolvedValueOnce({ items, total });

const make = (refresh?: 'count' | 'rows' | 'all') =>
  new LiveList({
    filters: ['q'],
    question: ({ q }) => ({ q }),
    read: (query: object, headers: HeadersInit) => read(query, headers),
    keyOf: ({ id }: Item) => id,
    keeps: ({ id }) => id === 9,
    ...(refresh && { refresh }),
  });

beforeEach(() => {
  read.mockReset();
  page.url = new URL('http://localhost/list?q=a');
});

it('asks for what the address says, and goes on with that question', async () => {
  const list = make();
  read.mockResolvedValueOnce({ items: [item(1)], total: 2, nextCursor: 'c' });
  await list.reload();
  page.url = new URL('http://localhost/list?q=b');
  answer(2, item(2));
  await list.more();
  expect(read.mock.calls.map(([query]) => query)).toEqual([{ q: 'a' }, { q: 'a', cursor: 'c' }]);
  expect(ids(list)).toEqual([1, 2]);
});

it('counts in the background, and leaves the rows', async () => {
  const list = make('count');
  answer(2, item(1), item(2));
  await list.reload();
  answer(3, item(3));
  await list.refresh();
  expect(read).toHaveBeenLastCalledWith({ q: 'a', limit: 1 }, passive);
  expect([ids(list), list.meanwhile]).toEqual([[1, 2], 3]);
  answer(2, item(1));
  await list.refresh();
  expect(list.meanwhile).toBeNull();
});

it('updates rows in place, and takes away none that a filter may hide', async () => {
  const list = make('rows');
  answer(2, item(1), item(2));
  await list.reload();
  answer(1, item(2, 'new'));
  await list.refresh();
  expect(list.items).toEqual([item(1), item(2, 'new')]);
  expect(list.total).toBe(1);
});

it('takes away rows that are gone, but for one that is kept', async () => {
  page.url = new URL('http://localhost/list');
  const list = make('rows');
  answer(3, item(1), item(2), item(9));
  await list.reload();
  answer(1, item(2));
  await list.refresh();
  expect(ids(list)).toEqual([2, 9]);
});

it('drops an answer to an earlier question, and says nothing of an outage', async () => {
  const list = make('rows');
  answer(1, item(1));
  await list.reload();
  let late: (page: object) => void = () => {};
  read.mockReturnValueOnce(new Promise((resolve) => (late = resolve)));
  const refreshed = list.refresh();
  answer(1, item(2));
  await list.reload();
  late({ items: [item(1, 'late')], total: 1 });
  await refreshed;
  expect(ids(list)).toEqual([2]);
  read.mockRejectedValueOnce(new Error('lost'));
  await list.refresh();
  expect(list.error).toBeNull();
});

it('reads all again without an access', async () => {
  const list = make('all');
  answer(1, item(1));
  await list.reload();
  answer(1, item(2));
  await list.refresh();
  expect(read).toHaveBeenLastCalledWith({ q: 'a' }, passive);
  expect(ids(list)).toEqual([2]);
});

it('reads all again after an outage', async () => {
  const list = make('all');
  read.mockRejectedValueOnce(new Error('lost'));
  await list.reload();
  answer(1, item(1));
  await list.refresh();
  expect([ids(list), list.error]).toEqual([[1], null]);
});

it('asks again in the next session for what the end of one left unanswered', async () => {
  const list = make();
  read.mockRejectedValueOnce(new SessionOver());
  await list.reload();
  expect([list.error, list.loading, list.loaded]).toEqual([null, false, false]);
  answer(1, item(1));
  await list.refresh();
  expect(ids(list)).toEqual([1]);
});
