import { beforeEach, expect, it, vi } from 'vitest';
import { Query } from './query.svelte';

const { page, goto } = vi.hoisted(() => ({
  page: { url: new URL('http://localhost/') },
  goto: vi.fn(async (url: URL, options: { replaceState: boolean }) => {
    await Promise.resolve();
    page.url = url;
    return options;
  }),
}));
vi.mock('$app/state', () => ({ page }));
vi.mock('$app/navigation', () => ({ goto }));

beforeEach(() => {
  page.url = new URL('http://localhost/settings/sessions?q=ana&other=1');
  goto.mockClear();
});

it('reads what the address says', () => {
  const query = new Query('q', 'device');
  expect(query.values).toEqual({ q: 'ana', device: '' });
  expect(query.has('device')).toBe(false);
  expect(query.has('device', 'q')).toBe(true);
});

it('changes what is named, and leaves the rest', async () => {
  await new Query('q', 'device').set({ q: '', device: 'phone' });
  expect(page.url.search).toBe('?other=1&device=phone');
});

it('builds on a change that the address does not show yet', async () => {
  const query = new Query('q', 'device');
  await Promise.all([query.set({ device: 'phone' }), query.set({ q: 'ben' })]);
  expect(page.url.search).toBe('?q=ben&other=1&device=phone');
});

it('goes nowhere when nothing changes', async () => {
  await new Query('q').set({ q: 'ana' });
  expect(goto).not.toHaveBeenCalled();
});

it('takes the place of the last step while somebody types', async () => {
  const query = new Query('q');
  await query.set({ q: 'ben' });
  expect(goto.mock.lastCall?.[1].replaceState).toBe(false);
  await query.set({ q: 'benn' }, 'replace');
  expect(goto.mock.lastCall?.[1].replaceState).toBe(true);
});

it('takes values away', async () => {
  await new Query('q', 'device').clear('q', 'device');
  expect(page.url.search).toBe('?other=1');
});
