import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from './journey';
import { STATES } from './states';

test.use({ reducedMotion: 'reduce' });

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

/** Nothing for axe to find, wide and narrow, light and dark; and nothing to scroll sideways at any width. */
async function expectSound(page: Page) {
  for (const width of [1280, 375, 320]) {
    await page.setViewportSize({ width, height: 800 });
    await expect
      .poll(() => page.evaluate(() => document.documentElement.scrollWidth), `width at ${width} px`)
      .toBeLessThanOrEqual(width);
    if (width === 375) continue; // laid out as at 320 px
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const { violations, passes } = await new AxeBuilder({ page }).analyze();
      expect(violations, `axe at ${width} px, ${colorScheme}`).toEqual([]);
      expect(passes.length).toBeGreaterThan(10);
    }
  }
}
