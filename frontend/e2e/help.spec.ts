import axe from 'axe-core';
import { expect, signIn, test } from './journey';
import { addMember, call, signInByProgram } from './server';

test('help is there for everyone, signed in or not, and leads back', async ({ page, server }) => {
  const token = await signInByProgram(server);
  const settings = { name: 'Example Observatory', helpContact: 'Chi, room 12' };
  await call(server.url, 'PUT', '/api/settings/general', settings, token);

  await page.goto('/help');
  await expect(page).toHaveTitle('Help · Curfew');
  await expect(page.getByText('Questions? Ask Chi, room 12.')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Example Observatory' })).toBeVisible();
  await expect(page.getByText('curfew backup FILE')).toBeVisible();

  await signIn(page, await addMember(server, 'member', 'Ben Okafor'));
  await page.getByRole('link', { name: 'Help' }).click();
  await expect(page.getByRole('heading', { name: 'You lost a phone or laptop' })).toBeVisible();
  await page.getByRole('link', { name: 'Back to Curfew' }).click();
  await expect(page).toHaveURL('/account');
});

test('help stays in an outage', async ({ page, server }) => {
  await page.goto('/help');
  await page.getByRole('link', { name: 'Back to Curfew' }).click();
  await expect(page).toHaveURL('/sign-in');
  await server.kill();
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'Help', exact: true })).toBeVisible();
});

test('the API is described in the look of the product, from this server alone', async ({
  page,
  server,
}) => {
  const asked: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  await page.goto('/api/docs');
  await expect(page.getByRole('link', { name: 'Example Observatory' })).toBeVisible();
  expect(asked).toEqual([`${server.url}/api/docs`]);
  expect(complaints).toEqual([]);

  const contents = page.getByRole('navigation', { name: 'Contents' });
  await contents.getByRole('link', { name: 'Sign in', exact: true }).click();
  const call = page.locator('#signIn');
  await expect(call.getByRole('heading', { name: 'Sign in' })).toBeInViewport();
  await expect(call.getByText('curl -X POST "$CURFEW/api/sessions"')).toBeVisible();
  await call.getByRole('link', { name: 'SignedIn' }).click();
  await expect(page.getByRole('heading', { name: 'SignedIn', exact: true })).toBeInViewport();

  // A tenth of the calls and schemas stands for all, which axe would take a minute for.
  await page.evaluate(() =>
    document.querySelectorAll('main > .card').forEach((card, i) => i % 10 === 0 || card.remove()),
  );
  await page.evaluate(axe.source);
  for (const [width, colorScheme] of [
    [1280, 'light'],
    [320, 'dark'],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(width);
    const found = await page.evaluate(
      async () => (await window.axe.run({ resultTypes: ['violations'] })).violations,
    );
    expect(found, `axe at ${width} px, ${colorScheme}`).toEqual([]);
  }
  await page.getByRole('link', { name: 'Help' }).click();
  await expect(page.getByRole('heading', { name: 'Help', exact: true })).toBeVisible();
});
