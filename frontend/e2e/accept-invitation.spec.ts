import type { Page } from '@playwright/test';
import { expect, plugIn, sendSignIn, test } from './journey';
import { addMember, demandFactors, invite, OWNER, resetLink, revokeAllByProgram } from './server';

const PASSWORD = 'a password of my own';

const name = (page: Page) => page.getByLabel('Your name');
const password = (page: Page) => page.getByLabel('Password');
const join = (page: Page) => page.getByRole('button', { name: 'Join', exact: true }).click();

for (const width of [1280, 375]) {
  test(`an invitation says who invites, and signs in at once, at ${width} px`, async ({
    page,
    server,
  }) => {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(await invite(server, 'member', 'Bo Karlsson'));
    await expect(
      page.getByRole('heading', { name: 'Ana invites you to Example Observatory' }),
    ).toBeVisible();
    await expect(page.getByText("You'll sign in as bo.karlsson@example.org")).toBeVisible();
    await expect(page.getByText(/^Your invitation expires /)).toBeVisible();
    await expect(page, 'the secret does not stay in the address bar').toHaveURL(
      '/accept-invitation',
    );
    await expect(page).toHaveTitle('Join · Example Observatory');

    // What a password manager keeps the password for.
    const account = page.locator('form [autocomplete="username"]');
    await expect(account).toHaveValue('bo.karlsson@example.org');
    await expect(account).toBeHidden();
    await expect(name(page)).toHaveValue('Bo Karlsson');
    await expect(password(page)).toBeFocused();

    await name(page).fill('Bo');
    await password(page).fill('fourteen chars');
    await expect(page.getByText('1 more character needed.')).toBeVisible();
    await join(page);
    await expect(password(page)).toHaveAccessibleDescription(/^Use at least 15 characters\./);
    await expect(password(page)).toBeFocused();
    await expect(name(page)).toHaveValue('Bo');

    await password(page).fill(PASSWORD);
    await join(page);
    await expect(page).toHaveURL('/welcome');
    await page.goto('/account');
    await expect(page.getByText('bo.karlsson@example.org')).toBeVisible();
    await expect(page.getByText('How you sign in has changed')).toBeHidden();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await sendSignIn(page, { email: 'bo.karlsson@example.org', password: PASSWORD });
    await expect(page).toHaveURL('/account');
  });
}

// ASVS 6.3.3
test('where two factors are required, the newcomer sets one up first', async ({ page, server }) => {
  await plugIn(page);
  const link = await invite(server, 'admin', 'Bo');
  await demandFactors(server);
  await page.goto(link);
  await password(page).fill(PASSWORD);
  await join(page);
  await expect(page.getByRole('heading', { name: 'Set up a second factor' })).toBeVisible();
  await page.goto('/settings/members');
  await expect(page).toHaveURL('/second-factor?next=%2Fsettings%2Fmembers');
});

test('a link works once, and an altered one never', async ({ page, server }) => {
  const link = await invite(server, 'member', 'Bo Karlsson');
  await page.goto(link.slice(0, -1));
  await expect(page.getByRole('heading', { name: "This link doesn't work" })).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('Ask the person who sent it for a new one.');

  // Only the fragment differs, so that the browser stays on the page.
  await page.evaluate((href) => (location.href = href), link);
  await password(page).fill(PASSWORD);
  await join(page);
  await expect(page).toHaveURL('/welcome');

  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'This link was already used' })).toBeVisible();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await expect(page).toHaveURL('/sign-in');
});

test('a link that is withdrawn while the page is open says so', async ({ page, server }) => {
  await page.goto(await invite(server, 'member', 'Bo'));
  await password(page).fill(PASSWORD);
  await revokeAllByProgram(server);
  await join(page);
  await expect(page.getByRole('heading', { name: "This link doesn't work" })).toBeVisible();
});

// ASVS 6.3.4
test('a reset chooses a password, and never signs in', async ({ page, server }) => {
  const bo = await addMember(server, 'member', 'Bo Karlsson');
  await page.goto(await resetLink(server, bo.email));
  await expect(page.getByRole('heading', { name: 'Choose a new password' })).toBeVisible();
  await expect(name(page)).toBeHidden();
  await expect(page.locator('form [autocomplete="username"]')).toHaveValue(bo.email);
  for (const easy of ['password1234567', 'iloveyouiloveyou']) {
    await password(page).fill(easy);
    await expect(password(page)).toHaveAccessibleDescription(/^Easy to guess\./);
  }
  await page.getByRole('button', { name: 'Set password' }).click();
  await expect(password(page)).toHaveAccessibleDescription(/^Many people use a password like this/);
  await password(page).fill(PASSWORD);
  await page.getByRole('button', { name: 'Set password' }).click();
  await expect(page).toHaveURL('/sign-in');
  await expect(page.getByText('Your password is set. Sign in with it.')).toBeVisible();
  await expect(page.getByLabel('Email')).toHaveValue(bo.email);
  await expect(password(page)).toBeFocused();
  await password(page).fill(PASSWORD);
  await password(page).press('Enter');
  await expect(page).toHaveURL('/account');
});

test('a name may be anything but endless', async ({ page, server }) => {
  await page.goto(await invite(server, 'member', 'Bo'));
  const odd = '<b>Bo</b> 👩‍🚀 \u200f\u05d1\u05d5';
  await name(page).fill('x'.repeat(10_000));
  await password(page).fill(PASSWORD);
  await join(page);
  await expect(name(page)).toHaveAccessibleDescription('Use at most 200 characters.');
  await expect(name(page)).toBeFocused();
  await expect(password(page)).toHaveValue(PASSWORD);
  await name(page).fill(odd);
  await join(page);
  await expect(page).toHaveURL('/welcome');
  await page.goto('/account');
  await expect(page.getByRole('main')).toContainText(odd);
});

test('without a link there is nothing to accept', async ({ page }) => {
  await page.goto('/accept-invitation');
  await expect(page.getByRole('heading', { name: 'Open your link again' })).toBeVisible();
  await page.goto('/accept-invitation#token=');
  await expect(password(page)).toBeHidden();
});

test('a lost connection uses nothing up', async ({ page, context, server }) => {
  const link = await invite(server, 'member', 'Bo');
  await page.goto('/accept-invitation', { waitUntil: 'networkidle' });
  await context.setOffline(true);
  await page.evaluate((hash) => (location.hash = hash), new URL(link).hash);
  await expect(page.getByRole('alert')).toContainText('You are offline');
  await context.setOffline(false);
  await page.getByRole('button', { name: 'Retry' }).click();

  await password(page).fill(PASSWORD);
  await context.setOffline(true);
  await join(page);
  await expect(page.getByRole('alert')).toContainText('You are offline');
  await context.setOffline(false);
  await join(page);
  await expect(page).toHaveURL('/welcome');
});

test('a link for another person signs them in, in the place of who was there', async ({
  page,
  server,
}) => {
  await sendSignIn(page, OWNER);
  await expect(page).toHaveURL(/settings|overview/);
  await page.goto(await invite(server, 'member', 'Bo'));
  await password(page).fill(PASSWORD);
  await join(page);
  await expect(page).toHaveURL('/welcome');
  await page.goto('/account');
  await expect(page.getByText('bo@example.org')).toBeVisible();
});
