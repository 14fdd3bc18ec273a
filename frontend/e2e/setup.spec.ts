import { expect, sendSignIn, test } from './journey';
import { OWNER } from './server';

test.use({ data: 'none' });

// ASVS 3.4.3, 3.6.1
test('the owner sets up, and is signed in', async ({ page, server }) => {
  await page.goto('/');
  await expect(page).toHaveURL('/setup');
  await page.goto(`/setup#token=${server.setupToken}`);
  await expect(page.getByLabel('Organization')).toBeFocused();
  await expect(page.getByLabel('Setup token'), 'it came with the link').toBeHidden();
  await expect(page).toHaveURL('/setup');
  for (const viewport of [
    { width: 1280, height: 800 },
    { width: 375, height: 812 },
  ]) {
    await page.setViewportSize(viewport);
    await expect(page.getByRole('button', { name: 'Create organization' })).toBeInViewport({
      ratio: 1,
    });
  }

  await page.getByLabel('Organization').fill('Example Observatory');
  await page.getByLabel('Your name').fill(OWNER.name);
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill('fourteen chars');
  await expect(page.getByText('1 more character needed.')).toBeVisible();
  await page.getByRole('button', { name: 'Create organization' }).click();
  await expect(page.getByText('Use at least 15 characters.')).toBeVisible();
  await expect(page.getByLabel('Password')).toBeFocused();

  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Create organization' }).click();

  await expect(page).toHaveURL('/overview');
  await expect(page).toHaveTitle(/^Overview · /);
  await expect(page.getByRole('link', { name: 'Example Observatory' })).toBeVisible();
});

test('a wrong token is said at its field', async ({ page, server }) => {
  await page.goto(`/setup#token=${server.setupToken.toLowerCase()}x`);
  await page.getByLabel('Organization').fill('Example Observatory');
  await page.getByLabel('Your name').fill(OWNER.name);
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Create organization' }).click();

  await expect(page.getByLabel('Setup token')).toHaveAccessibleDescription(/is not the one/);
  await expect(page.getByLabel('Setup token')).toBeFocused();
});

test('where nothing is set up, sign-in leads to it', async ({ page }) => {
  await page.goto('/sign-in');
  await page.getByRole('link', { name: 'Create your organization' }).click();
  await expect(page).toHaveURL('/setup');
});

test.describe('afterwards', () => {
  test.use({ data: 'organization' });

  test('where all is set up, the page leads on', async ({ page }) => {
    await page.goto('/setup');
    await expect(page.getByRole('heading', { name: 'Already set up' })).toBeVisible();
    await page.getByRole('link', { name: 'Sign in' }).click();
    await expect(page).toHaveURL('/sign-in');
    await sendSignIn(page);
    await expect(page).toHaveURL('/overview');
    await page.goto('/');
    await expect(page).toHaveURL('/overview');
  });
});
