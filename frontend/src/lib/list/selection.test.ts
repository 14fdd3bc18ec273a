import { expect, it } from 'vitest';
import { Pages } from './pages.svelte';
import { Selection } from './selection.svelte';

async function five() {
  const items = ['a', 'b', 'c', 'd', 'e'];
  const pages = new Pages<string>(
    async () => ({ items, total: 9 }),
    (item) => item,
  );
  await pages.reload();
  const selection = new Selection(pages);
  return { selection, selected: () => items.filter((item) => selection.has(item)).join('') };
}

it('selects a row, leaves it, and selects a range from the row before', async () => {
  const { selection, selected } = await five();
  selection.toggle('d');
  selection.toggle('b', true);
  expect(selected()).toBe('bcd');
  selection.toggle('c');
  expect(selected()).toBe('bd');
  selection.toggle('e', true);
  expect(selected()).toBe('bcde');
  expect(selection.size).toBe(4);
  selection.clear();
  selection.toggle('e', true);
  expect(selected()).toBe('e');
});

it('counts all that match, and goes back to what is shown once a row is left out', async () => {
  const { selection, selected } = await five();
  selection.all = true;
  expect(selected()).toBe('abcde');
  expect(selection.size).toBe(9);
  selection.toggle('c');
  expect(selection.all).toBe(false);
  expect(selected()).toBe('abde');
  expect(selection.size).toBe(4);
});
