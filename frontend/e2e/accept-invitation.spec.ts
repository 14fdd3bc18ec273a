import type { Page } from '@playwright/test';
import { expect, test } from './journey';
import { invite, OWNER } from './server';

const PASSWORD = 'a password of my own';

const name = (page: Page) => page.getByLabel('Your name');
const password = (page: Page) => page.getByLabel('Password');
const accept = (page: Page) => page.getByRole('button', { name: 'Set password' }).click();

for (const width of [1280, 375]) {
  test(`an invitation is accepted, and leads to the first sign-in, at ${width} px`, async ({
    page,
    server,
  }) => {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(await invite(server, 'member', 'Bo Karlsson'));
    await expect(page.getByRole('heading', { name: 'Choose your password' })).toBeVisible();
    await expect(page, 'the secret does not stay in the address bar').toHaveURL(
      '/accept-invitation',
    );

    await name(page).fill('Bo');
    await password(page).fill('fourteen chars');
    await expect(page.getByText('1 more character needed.')).toBeVisible();
    await accept(page);
    await expect(password(page)).toHaveAccessibleDescription(/^Use at least 15 characters\./);
    await expect(password(page)).toBeFocused();
    await expect(name(page)).toHaveValue('Bo');

    await password(page).fill(PASSWORD);
    await accept(page);
    await expect(page).toHaveURL('/account');
    await expect(page.getByText('Bo, bo.karlsson@example.org')).toBeVisible();
  });
}

test('a link works once, and an altered one never', async ({ page, server }) => {
  const link = await invite(server, 'member', 'Bo Karlsson');
  const dead = page.getByRole('heading', { name: 'This link does not work' });

  await page.goto(link.slice(0, -1));
  await password(page).fill(PASSWORD);
  await accept(page);
  await expect(dead).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('Ask the person who sent it for a new one.');

  // Only the fragment differs, so that the browser stays on the page.
  await page.evaluate((href) => (location.href = href), link);
  await expect(password(page)).toHaveValue(PASSWORD);
  await accept(page);
  await expect(page).toHaveURL('/account');

  await page.goto(link);
  await password(page).fill(PASSWORD);
  await accept(page);
  await expect(page.getByRole('heading', { name: 'Your password is set' })).toBeVisible();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await expect(page).toHaveURL('/sign-in');
});

test('a name may be anything but endless', async ({ page, server }) => {
  await page.goto(await invite(server, 'member', 'Bo'));
  const odd = '<b>Bo</b> 👩‍🚀 \u200f\u05d1\u05d5';
  await name(page).fill('x'.repeat(10_000));
  await password(page).fill(PASSWORD);
  await accept(page);
  await expect(name(page)).toHaveAccessibleDescription('Use at most 200 characters.');
  await expect(password(page)).toHaveValue(PASSWORD);
  await name(page).fill(odd);
  await accept(page);
  await expect(page).toHaveURL('/account');
  await expect(page.getByLabel('Your name')).toHaveValue(odd);
});

test('without a link there is nothing to accept', async ({ page }) => {
  await page.goto('/accept-invitation');
  await expect(page.getByRole('heading', { name: 'Open your link again' })).toBeVisible();
  await page.goto('/accept-invitation#token=');
  await expect(password(page)).toBeHidden();
});

test('a lost connection uses nothing up', async ({ page, context, server }) => {
  await page.goto(await invite(server, 'member', 'Bo'));
  await password(page).fill(PASSWORD);
  await context.setOffline(true);
  await accept(page);
  await expect(page.getByRole('alert')).toContainText('You are offline');
  await context.setOffline(false);
  await accept(page);
  await expect(page).toHaveURL('/account');
});

test('a link for another person signs them in, in the place of who was there', async ({
  page,
  server,
}) => {
  await page.goto('/sign-in');
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/settings|overview/);

  await page.goto(await invite(server, 'member', 'Bo'));
  await password(page).fill(PASSWORD);
  await accept(page);
  await expect(page).toHaveURL('/account');
  await expect(page.getByText('bo@example.org')).toBeVisible();
});
