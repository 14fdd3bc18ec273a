import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from './journey';
import { STATES } from './states';

const VIEWS = [
  { width: 1280, height: 800 },
  { width: 375, height: 812 },
  { width: 320, height: 640 },
];

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme, reducedMotion: 'reduce' });

    test('setup', async ({ page, server }) => {
      await page.goto(`/setup#token=${server.setupToken}`);
      await page.getByLabel('Password').fill('not long');
      await expectSound(page);
    });

    for (const { name, enter } of STATES) {
      test(name, async ({ page, organization }) => {
        await enter(page, organization);
        await expectSound(page);
      });
    }
  });
}

/** Nothing for axe to find and nothing to scroll sideways, at any width. */
async function expectSound(page: Page) {
  for (const viewport of VIEWS) {
    await page.setViewportSize(viewport);
    const { violations, passes } = await new AxeBuilder({ page }).analyze();
    expect(violations, `axe at ${viewport.width} px`).toEqual([]);
    expect(passes.length).toBeGreaterThan(10);
    expect(
      await page.evaluate(() => document.documentElement.scrollWidth),
      `width at ${viewport.width} px`,
    ).toBeLessThanOrEqual(viewport.width);
  }
}
