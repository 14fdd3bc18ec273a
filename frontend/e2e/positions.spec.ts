import type { Locator, Page } from '@playwright/test';
import { effect, expect, inForce, length, revokeAll, save, signIn, test } from './journey';

test.use({ data: 'demo' });

/** Where something stands in the window: its upper and its lower edge, in pixels. */
async function edges(of: Locator) {
  const box = await of.boundingBox();
  if (!box) throw new Error('it is not shown');
  return { top: Math.round(box.y), bottom: Math.round(box.y + box.height) };
}

/** How many of them are wholly in sight. */
async function inSight(page: Page, all: Locator) {
  await all.first().waitFor();
  const height = page.viewportSize()?.height ?? 0;
  return all.evaluateAll(
    (rows, height) =>
      rows.filter((row) => {
        const { top, bottom, height: own } = row.getBoundingClientRect();
        return own > 0 && top >= 0 && bottom <= height;
      }).length,
    height,
  );
}

const number = (page: Page) => effect(page).or(inForce(page)).locator('.number');
const rows = (page: Page) =>
  page
    .getByRole('main')
    .getByRole('row')
    .filter({ has: page.locator('td') });
const entries = (page: Page) => page.getByRole('main').locator('section li:not(.skeleton)');

test.describe('on a laptop', () => {
  test.use({ viewport: { width: 1280, height: 800 } });

  test('the form, its effect and its Save are in sight, before a change and after', async ({
    page,
  }) => {
    await signIn(page);
    await page.goto('/settings/security');
    await expect(number(page)).toBeInViewport({ ratio: 1 });
    expect((await edges(number(page))).bottom).toBeLessThanOrEqual(200);
    expect((await edges(revokeAll(page))).bottom).toBeLessThanOrEqual(60);
    const clean = await edges(save(page));
    expect(clean.bottom).toBeLessThanOrEqual(560);

    await length(page).fill('3');
    await expect(number(page)).toContainText(/\d+ sessions end/);
    await expect(number(page)).toBeInViewport({ ratio: 1 });
    const changed = await edges(save(page));
    expect(Math.abs(changed.top - clean.top), 'Save stays where it is').toBeLessThanOrEqual(2);
  });

  test('lists show a screenful', async ({ page }) => {
    await signIn(page);
    await page.goto('/settings/sessions');
    expect(await inSight(page, rows(page))).toBeGreaterThanOrEqual(12);
    await page.goto('/settings/members');
    expect(await inSight(page, rows(page))).toBeGreaterThanOrEqual(12);
    await page.goto('/settings/audit');
    expect(await inSight(page, entries(page))).toBeGreaterThanOrEqual(11);
    expect((await edges(entries(page).first())).top).toBeLessThanOrEqual(200);
  });

  test('a wide screen is used', async ({ page }) => {
    await page.setViewportSize({ width: 1920, height: 1080 });
    await signIn(page);
    await page.goto('/settings/sessions');
    expect(await inSight(page, rows(page))).toBeGreaterThanOrEqual(18);
    const { width = 0 } = (await page.locator('main').boundingBox()) ?? {};
    expect(width).toBe(1320);
  });
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 375, height: 812 } });

  test('Save, its effect and the emergency are in sight', async ({ page }) => {
    await signIn(page);
    await page.goto('/settings/security');
    await expect(save(page)).toBeInViewport({ ratio: 1 });
    expect((await edges(revokeAll(page))).bottom).toBeLessThanOrEqual(200);

    await length(page).fill('3');
    await expect(save(page)).toBeInViewport({ ratio: 1 });
    await expect(page.getByText(/^Signs out \d+ sessions? at once/)).toBeInViewport({ ratio: 1 });
  });

  test('lists begin high up', async ({ page }) => {
    await signIn(page);
    await page.goto('/settings/sessions');
    await rows(page).first().waitFor();
    expect((await edges(rows(page).first())).top).toBeLessThanOrEqual(340);
    await page.goto('/settings/audit');
    await entries(page).first().waitFor();
    expect((await edges(entries(page).first())).top).toBeLessThanOrEqual(360);
  });
});
