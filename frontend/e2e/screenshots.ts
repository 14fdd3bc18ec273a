import { test } from './journey';
import { STATES } from './states';

const VIEWS = [
  { width: 1280, height: 800 },
  { width: 375, height: 812 },
];

for (const colorScheme of ['light', 'dark'] as const) {
  for (const viewport of VIEWS) {
    test.describe(`${colorScheme} ${viewport.width}`, () => {
      test.use({ colorScheme, viewport });

      const shoot = (name: string) => ({
        path: `screenshots/${name}-${viewport.width}-${colorScheme}.png`,
        animations: 'disabled' as const,
        fullPage: true,
      });

      test('setup', async ({ page, server }) => {
        await page.goto(`/setup#token=${server.setupToken}`);
        await page.getByLabel('Password').fill('not long');
        await page.screenshot(shoot('setup'));
      });

      for (const { name, enter } of STATES) {
        test(name, async ({ page, organization }) => {
          await enter(page, organization);
          await page.screenshot(shoot(name));
        });
      }
    });
  }
}
