import type { Page } from '@playwright/test';
import { expect, goOn, signIn, signInAgain, test } from './journey';
import { OWNER, signInByProgram } from './server';

test.beforeEach(async ({ page }) => {
  await signIn(page);
});

const openActivity = (page: Page) => page.getByRole('heading', { name: 'Activity' }).click();

async function openAccount(page: Page) {
  await page.getByRole('link', { name: 'Your account' }).click();
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible();
  await expect(page).toHaveTitle('Your account · Curfew');
}

test('another browser is signed out by its name', async ({ page, anotherBrowser }) => {
  const phone = await anotherBrowser();
  await signIn(phone);
  await openAccount(page);
  await expect(page.getByText('This device')).toHaveCount(1);
  await expect(
    page.getByRole('button', { name: 'Sign out the others' }),
  ).toHaveAccessibleDescription('1 other session');

  await page.getByRole('button', { name: /^Sign out .*Chrome on Linux, / }).click();
  await expect(
    page.getByRole('status').getByText(/Chrome on Linux was signed out\.$/),
  ).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Your devices' })).toBeFocused();
  await expect(page.getByText('No other sessions.')).toBeVisible();
  await openActivity(page);
  await expect(page.getByText('You signed out another of your sessions')).toBeVisible();

  await expect(signInAgain(phone)).toContainText(/Ana ended this session at/);
  await phone.reload();
  await expect(phone).toHaveURL('/sign-in?next=%2Fsettings%2Fsecurity');
  await expect(phone.getByText(/ended this session/)).toBeVisible();
});

test('all others are signed out, and this one stays', async ({ page, server }) => {
  await signInByProgram(server);
  await signInByProgram(server);
  await openAccount(page);
  await expect(page.getByText('A program (curl)', { exact: true })).toHaveCount(2);
  const all = page.getByRole('button', { name: 'Sign out the others' });
  await expect(all).toHaveAccessibleDescription('2 other sessions');
  await all.click();
  await expect(page.getByText('2 other sessions were signed out.')).toBeVisible();
  await expect(all).toBeHidden();
  await page.reload();
  await expect(page.getByText('No other sessions.')).toBeVisible();
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
  await expect(page.getByText('No other sessions.')).toBeVisible();
});

// ASVS 6.2.2, 6.3.7
test('the password is changed, which signs the others out', async ({ page, anotherBrowser }) => {
  const phone = await anotherBrowser();
  await signIn(phone);
  await openAccount(page);
  const open = page.getByRole('button', { name: 'Change password' });
  await open.click();
  const dialog = page.getByRole('dialog', { name: 'Change password' });
  const current = dialog.getByLabel('Current password');
  const next = dialog.getByLabel('New password');
  const change = dialog.getByRole('button', { name: 'Change password' });

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
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('heading', { name: 'How you sign in' })).toBeFocused();
  await expect(page.getByText('No other sessions.')).toBeVisible();
  await openActivity(page);
  await expect(page.getByText('You changed your password')).toBeVisible();
  await open.click();
  await expect(current).toHaveValue('');
  await page.keyboard.press('Escape');
  await expect(open).toBeFocused();

  await expect(signInAgain(phone)).toContainText(/Your password or second factor was changed at/);
  await goOn(phone, { ...OWNER, password: 'another horse battery staple' });
  await expect(phone).toHaveURL('/settings/security');
});

// ASVS 6.3.5
test('the activity says who tried', async ({ page, anotherBrowser }) => {
  const stranger = await anotherBrowser();
  await stranger.goto('/sign-in');
  for (let i = 0; i < 3; i++) {
    const refused = stranger.waitForResponse('/api/sessions');
    await stranger.getByLabel('Email').fill(OWNER.email);
    await stranger.getByLabel('Password').fill('not the password');
    await stranger.getByRole('button', { name: 'Sign in', exact: true }).click();
    expect((await refused).status()).toBe(401);
  }

  await openAccount(page);
  await expect(page.getByText('Wrong password')).toBeHidden();
  await openActivity(page);
  const activity = page.getByRole('list', { name: 'Activity' });
  const refused = activity.getByRole('listitem').filter({ hasText: /Wrong password\s+×3\s+times/ });
  await expect(refused).toContainText(/Headless Chrome on Linux · 127\.0\.0\.1/);
  await refused.getByText("Wasn't you?").click();
  await expect(refused.getByText("They didn't get in.")).toBeVisible();
  await expect(activity.getByText('You signed in')).toBeVisible();
  await expect(activity.getByText('You set up the organization')).toBeVisible();
});

test('an outage is said, and not taken for a sign-out', async ({ page }) => {
  await page.route('/api/sessions', (route) => route.abort(), { times: 1 });
  await openAccount(page);
  await expect(page.getByRole('alert')).toContainText('Curfew cannot be reached');
  await expect(page.getByRole('button', { name: 'Change password' })).toBeVisible();
  await page.getByRole('button', { name: 'Retry' }).click();
  await expect(page.getByText('This device')).toBeVisible();
  await expect(page.getByRole('alert')).toBeHidden();
});

test('offline is not signed out', async ({ page, context, server }) => {
  await signInByProgram(server);
  await openAccount(page);
  const all = page.getByRole('button', { name: 'Sign out the others' });
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
  const shown = page.getByRole('region', { name: 'Your devices' }).getByRole('listitem');
  await expect(shown).toHaveCount(3); // the last has the button
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

test('nothing moves while the account is read, on a slow machine either', async ({ page }) => {
  await page.addInitScript(() => {
    const shifts: number[] = Object.assign(window, { shifts: [] }).shifts;
    new PerformanceObserver((list) => {
      for (const shift of list.getEntries() as (PerformanceEntry & { value: number })[])
        shifts.push(shift.value);
    }).observe({ type: 'layout-shift', buffered: true });
  });
  const devtools = await page.context().newCDPSession(page);
  for (const width of [1280, 375]) {
    for (const rate of [1, 4]) {
      await devtools.send('Emulation.setCPUThrottlingRate', { rate });
      await page.setViewportSize({ width, height: 800 });
      await page.goto('/account');
      await page.getByRole('button', { name: 'Change password' }).waitFor();
      await page.evaluate(() => new Promise((done) => setTimeout(done, 300)));
      const shifts = await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts);
      const sum = shifts.reduce((total, shift) => total + shift, 0);
      expect(sum, `${width} px, ${rate} times slower`).toBeLessThanOrEqual(0.02);
    }
  }
});
