import { effect, length, signIn, test } from './journey';
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

      test.describe('before there is an organization', () => {
        test.use({ data: 'none' });
        test('setup', async ({ page, server }) => {
          await page.goto(`/setup#token=${server.setupToken}`);
          await page.getByLabel('Password').fill('not long');
          await page.screenshot(shoot('setup'));
        });
      });

      for (const { name, enter } of STATES) {
        test(name, async ({ page, server }) => {
          await enter(page, server);
          await page.screenshot(shoot(name));
        });
      }
    });
  }
}

/** What the README shows, of the demo's organization. */
test.describe('README', () => {
  test.use({ data: 'demo', viewport: { width: 1280, height: 800 }, deviceScaleFactor: 2 });

  const shoot = (name: string) => ({
    path: `../.github/${name}.png`,
    animations: 'disabled' as const,
  });

  test('a policy before it is saved', async ({ page }) => {
    await signIn(page);
    await length(page).fill('3');
    await effect(page)
      .getByText(/sessions end$/)
      .waitFor();
    await page.screenshot(shoot('screenshot'));
  });

  test('what needs attention', async ({ page }) => {
    await signIn(page);
    await page.goto('/overview');
    await page.getByText('All good').waitFor();
    await page.screenshot(shoot('overview'));
  });

  test('who is signed in', async ({ page }) => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await signIn(page);
    await page.goto('/settings/sessions');
    await page
      .getByText(/^50 of 1,\d+$/)
      .first()
      .waitFor();
    await page.screenshot(shoot('sessions'));
  });

  test('who did what', async ({ page }) => {
    await signIn(page);
    await page.goto('/settings/audit?action=policy.saved');
    await page.getByText('Log verified').waitFor();
    await page
      .getByText(/changed the session configuration/)
      .first()
      .click();
    await page.screenshot(shoot('audit'));
  });
});
