import { expect, it } from 'vitest';
import { Pages } from './pages.svelte';

const read =
  (...answers: ({ items: number[]; nextCursor?: string; total?: number } | Error)[]) =>
  async () => {
    const answer = answers.shift();
    if (!answer || answer instanceof Error) throw answer ?? new Error('nobody expected this');
    return answer;
  };
const identity = (n: number) => n;

it('goes on from page to page, naming nothing twice', async () => {
  const list = new Pages(read({ items: [1, 2], nextCursor: 'a' }, { items: [2, 3] }), identity);
  expect(list.loaded).toBe(false);
  await list.reload();
  expect(list.hasMore).toBe(true);
  await list.more();
  expect(list.items).toEqual([1, 2, 3]);
  expect(list.hasMore).toBe(false);
});

it('keeps what it has when going on fails, and goes on from there', async () => {
  const list = new Pages(
    read({ items: [1], nextCursor: 'a' }, new Error('lost'), { items: [2] }),
    identity,
  );
  await list.reload();
  await list.more();
  expect(list.items).toEqual([1]);
  expect(list.error).toBeInstanceOf(Error);
  await list.more();
  expect(list.error).toBeNull();
  expect(list.items).toEqual([1, 2]);
});

it('does not take a late answer for the latest', async () => {
  const answers: ((page: { items: number[] }) => void)[] = [];
  const list = new Pages(
    () => new Promise<{ items: number[] }>((resolve) => answers.push(resolve)),
    identity,
  );
  const first = list.reload();
  const second = list.reload();
  answers[1]?.({ items: [2] });
  answers[0]?.({ items: [1] });
  await Promise.all([first, second]);
  expect(list.items).toEqual([2]);
  expect(list.loading).toBe(false);
});

it('asks again for what got no answer, and knows what is out of date', async () => {
  const list = new Pages(
    read({ items: [1], nextCursor: 'a', total: 3 }, new Error('lost'), { items: [2], total: 2 }),
    identity,
  );
  await list.reload();
  expect([list.total, list.stale]).toEqual([3, false]);
  await list.reload();
  expect([list.items, list.stale]).toEqual([[1], true]);
  await list.retry();
  expect([list.items, list.total, list.stale]).toEqual([[2], 2, false]);
});

it('counts down with what is removed', async () => {
  const list = new Pages(read({ items: [1, 2, 3], nextCursor: 'a', total: 9 }), identity);
  await list.reload();
  list.remove(1, 3, 4);
  expect([list.items, list.total]).toEqual([[2], 7]);
});
