import type { Locator } from '@playwright/test';
import { expect, length, revokeAll, signIn, test } from './journey';
import { addMember, signInByProgram } from './server';

const style = (of: Locator, property: string) =>
  of.evaluate((element, name) => getComputedStyle(element).getPropertyValue(name), property);

test.describe('where the reader chose the colours', () => {
  test.use({ forcedColors: 'active' });

  test('the section at hand is marked, and no other is', async ({ page }) => {
    await signIn(page);
    const highlight = await page.evaluate(() => {
      const probe = document.body.appendChild(document.createElement('i'));
      probe.style.color = 'Highlight';
      return getComputedStyle(probe).color;
    });
    const nav = page.getByRole('navigation', { name: 'Curfew' });
    for (const width of [1280, 375]) {
      await page.setViewportSize({ width, height: 800 });
      for (const name of ['Security', 'Sessions', 'Members', 'Audit log', 'General']) {
        await nav.getByRole('link', { name }).click();
        await expect(nav.getByRole('link', { name })).toHaveAttribute('aria-current', 'page');
        for (const link of await nav.getByRole('link').all()) {
          const line = {
            width: await style(link, 'border-bottom-width'),
            color: await style(link, 'border-bottom-color'),
          };
          const marked = line.width === '2px' && line.color === highlight;
          expect(marked, await link.innerText()).toBe(
            (await link.getAttribute('aria-current')) !== null,
          );
        }
      }
    }
  });

  test('the member who Enter would take is marked', async ({ page, server }) => {
    await addMember(server, 'member', 'Ben Okafor');
    await addMember(server, 'member', 'Bea Okafor');
    await signIn(page);
    await page.goto('/settings/audit');
    await page.getByRole('button', { name: 'Member', exact: true }).click();
    await page.getByRole('combobox', { name: 'Member' }).fill('okafor');
    await expect(page.getByRole('option')).toHaveCount(2);
    const [first, second] = [page.getByRole('option').first(), page.getByRole('option').last()];
    await expect(first).toHaveAttribute('aria-selected', 'true');
    expect(await style(first, 'outline-style')).toBe('solid');
    expect(await style(second, 'outline-style')).toBe('none');
  });
});

test.describe('on paper', () => {
  test('a page comes without navigation and buttons', async ({ page, server }) => {
    await signInByProgram(server);
    await signIn(page);
    for (const path of ['security', 'sessions', 'members', 'audit', 'general']) {
      await page.emulateMedia({ media: 'screen' });
      await page.goto(`/settings/${path}`);
      await expect(page.getByRole('navigation', { name: 'Curfew' })).toBeVisible();
      await page.emulateMedia({ media: 'print' });
      await expect(page.getByRole('navigation')).toHaveCount(0);
      await expect(page.getByRole('button', { name: 'Sign out' })).toHaveCount(0);
      await expect(page.getByRole('search')).toHaveCount(0);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    }
    await page.goto('/settings/sessions');
    await expect(page.getByRole('columnheader', { name: 'Last seen' })).toHaveCount(1);
    await expect(page.getByRole('row', { name: /Ana/ })).toHaveCount(2);
    await expect(page.getByRole('button', { name: /^Revoke/ })).toHaveCount(0);
  });

  test('a dialog comes alone', async ({ page }) => {
    await signIn(page);
    await revokeAll(page).click();
    await page.emulateMedia({ media: 'print' });
    await expect(page.getByRole('dialog')).toContainText('This can’t be undone.');
    await expect(page.getByRole('dialog')).toBeVisible();
    await expect(length(page)).toBeHidden();
  });
});

test.use({ reducedMotion: 'reduce' });

// WebKit makes every dialog as high as the window, which no other browser does by itself.
test('a dialog that is higher than what it says keeps that together', async ({ page }) => {
  await signIn(page);
  await revokeAll(page).click();
  const dialog = page.getByRole('dialog');
  const heading = dialog.getByRole('heading');
  const form = dialog.locator('form');
  const gap = async () => {
    const [above, below] = [await heading.boundingBox(), await form.boundingBox()];
    return (below?.y ?? 0) - (above?.y ?? 0) - (above?.height ?? 0);
  };
  const [natural, height] = [await gap(), (await form.boundingBox())?.height];
  await dialog.evaluate((element) => (element.style.blockSize = '100dvb'));
  expect(await gap()).toBe(natural);
  expect((await form.boundingBox())?.height).toBe(height);
});
