import type { Page } from '@playwright/test';
import { expect, goOn, signIn, signInAgain, test } from './journey';
import { OWNER, signInByProgram } from './server';

test.beforeEach(async ({ page }) => {
  await signIn(page);
});

async function openAccount(page: Page) {
  await page.getByRole('link', { name: 'Your account' }).click();
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible();
  await expect(page).toHaveTitle('Your account · Curfew');
}

test('another browser is signed out by its name', async ({ page, anotherBrowser }) => {
  const phone = await anotherBrowser();
  await signIn(phone);
  await openAccount(page);
  await expect(page.getByText('This session')).toHaveCount(1);
  await expect(page.getByText('1 other session', { exact: true })).toBeVisible();

  await page.getByRole('button', { name: /^Sign out .*Chrome on Linux, / }).click();
  await expect(
    page.getByRole('status').getByText(/Chrome on Linux was signed out\.$/),
  ).toBeVisible();
  await expect(page.getByRole('heading', { name: 'My sessions' })).toBeFocused();
  await expect(page.getByText('You are signed in nowhere else.')).toBeVisible();
  await expect(page.getByText('You ended one of your sessions')).toBeVisible();

  await expect(signInAgain(phone)).toContainText(/Ana ended this session at/);
  await phone.reload();
  await expect(phone).toHaveURL('/sign-in');
  await expect(phone.getByText(/ended this session/)).toBeVisible();
});

test('all others are signed out, and this one stays', async ({ page, server }) => {
  await signInByProgram(server);
  await signInByProgram(server);
  await openAccount(page);
  await expect(page.getByText('A program (curl)', { exact: true })).toHaveCount(2);
  const all = page.getByRole('button', { name: 'Sign out all others' });
  await expect(all).toHaveAccessibleDescription('2 other sessions');
  await all.click();
  await expect(page.getByText('2 other sessions were signed out.')).toBeVisible();
  await expect(all).toBeHidden();
  await page.reload();
  await expect(page.getByText('You are signed in nowhere else.')).toBeVisible();
});

test('a session that ended meanwhile is no trouble', async ({ page, anotherBrowser }) => {
  const phone = await anotherBrowser();
  await signIn(phone);
  await openAccount(page);
  const other = page.getByRole('button', { name: /^Sign out .*Chrome/ });
  await expect(other).toBeVisible();
  await phone.getByRole('button', { name: 'Sign out' }).click();
  await expect(phone).toHaveURL('/sign-in');
  await other.click();
  await expect(page.getByText('You are signed in nowhere else.')).toBeVisible();
});

// ASVS 6.2.2, 6.3.7
test('the password is changed, which signs the others out', async ({ page, anotherBrowser }) => {
  const phone = await anotherBrowser();
  await signIn(phone);
  await openAccount(page);
  const current = page.getByLabel('Current password');
  const next = page.getByLabel('New password');
  const change = page.getByRole('button', { name: 'Change password' });

  await current.fill('not the password');
  await next.fill('another horse battery staple');
  await change.click();
  await expect(current).toHaveAccessibleDescription('The password is wrong. Try again.');

  await current.fill(OWNER.password);
  await next.fill('fourteen chars');
  await expect(page.getByText('1 more character needed.')).toBeVisible();
  await change.click();
  await expect(next).toHaveAccessibleDescription(/^Use at least 15 characters\./);

  await next.fill('another horse battery staple');
  await change.click();
  await expect(page.getByText('Password changed; 1 other session was signed out.')).toBeVisible();
  await expect(current).toHaveValue('');
  await expect(page.getByText('You are signed in nowhere else.')).toBeVisible();
  await expect(page.getByText('You changed your password')).toBeVisible();

  await expect(signInAgain(phone)).toContainText(/Your password or second factor was changed at/);
  await goOn(phone, { ...OWNER, password: 'another horse battery staple' });
  await expect(phone).toHaveURL('/settings/security');
});

// ASVS 6.3.5
test('the activity says who tried', async ({ page, anotherBrowser }) => {
  const stranger = await anotherBrowser();
  await stranger.goto('/sign-in');
  await stranger.getByLabel('Email').fill(OWNER.email);
  await stranger.getByLabel('Password').fill('not the password');
  await stranger.getByRole('button', { name: 'Sign in' }).click();
  await stranger.getByRole('alert').waitFor();

  await openAccount(page);
  await expect(page.getByText(/^Wrong password Headless Chrome on Linux · /)).toBeVisible();
  await expect(page.getByText(/^You signed in Headless Chrome on Linux · /)).toBeVisible();
  await expect(page.getByText('You set up the organization')).toBeVisible();
});

test('an outage is said, and not taken for a sign-out', async ({ page }) => {
  await page.route('/api/sessions', (route) => route.abort(), { times: 1 });
  await openAccount(page);
  await expect(page.getByRole('alert')).toContainText('Curfew cannot be reached');
  await expect(page.getByText('You set up the organization')).toBeVisible();
  await page.getByRole('button', { name: 'Retry' }).click();
  await expect(page.getByText('This session')).toBeVisible();
  await expect(page.getByRole('alert')).toBeHidden();
});

test('offline is not signed out', async ({ page, context, server }) => {
  await signInByProgram(server);
  await openAccount(page);
  const all = page.getByRole('button', { name: 'Sign out all others' });
  await expect(all).toBeVisible();
  await context.setOffline(true);
  await all.click();
  await expect(page.getByRole('alert')).toContainText('You are offline');
  await context.setOffline(false);
  await all.click();
  await expect(page.getByText('1 other session was signed out.')).toBeVisible();
});

test('who is not signed in comes back here', async ({ page }) => {
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.goto('/account');
  await expect(page).toHaveURL('/sign-in?next=%2Faccount');
});

test('a long list is shown page by page', async ({ page, server }) => {
  for (let i = 0; i < 3; i++) await signInByProgram(server);
  await page.route('/api/sessions**', (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set('limit', '2');
    return route.continue({ url: url.href });
  });
  await openAccount(page);
  const shown = page.getByRole('region', { name: 'My sessions' }).getByRole('listitem');
  await expect(shown).toHaveCount(2);
  const more = page.getByRole('button', { name: 'Show more sessions' });
  await more.click();
  await expect(shown).toHaveCount(4);
  await expect(more).toBeHidden();
});

test('of sessions that look alike, each name says which', async ({ page, server }) => {
  for (let i = 0; i < 2; i++) await signInByProgram(server);
  await openAccount(page);
  const buttons = page.getByRole('button', { name: /^Sign out .+, signed in .+, last seen / });
  await expect(buttons).toHaveCount(2);
  const [one, other] = await buttons.allTextContents();
  expect(one).not.toBe(other);
});
