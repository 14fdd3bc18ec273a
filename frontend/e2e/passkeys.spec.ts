import type { Page } from '@playwright/test';
import {
  addPasskey,
  expect,
  length,
  plugIn,
  refresh,
  save,
  signIn,
  signInAgain,
  test,
} from './journey';
import { demandFactors, OWNER, revokeAllByProgram } from './server';

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

test('a passkey is added, signs in, proves who one is, and stays while it is demanded', async ({
  page,
  server,
}) => {
  const authenticator = await plugIn(page);
  await signIn(page);
  await page.goto('/account');
  const ways = page.getByRole('region', { name: 'How you sign in' });
  await expect(ways.getByText('Password only')).toBeVisible();
  await addPasskey(page);
  await expect(ways.getByText('Two steps')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'How you sign in' })).toBeFocused();
  await press(page, 'Add another passkey');
  const adding = page.getByRole('dialog', { name: 'Add a passkey' });
  await expect(adding.getByLabel('Name of the device')).toHaveValue('Headless Chrome on Linux');
  await adding.getByRole('button', { name: 'Add a passkey' }).click();
  await expect(adding.getByRole('alert')).toContainText('holds a passkey of yours already');
  await page.keyboard.press('Escape');

  await press(page, 'Sign out');
  await press(page, 'Sign in with a passkey');
  await expect(page).toHaveURL('/overview');

  // It is two factors at once, and what a session of a password proves where they are required.
  await demandFactors(server);
  await page.reload();
  await expect(page).toHaveURL('/overview');
  await press(page, 'Sign out');
  await page.getByLabel('Email').fill('ana@example.org');
  await page.getByLabel('Password').fill('correct horse battery staple');
  await press(page, 'Sign in');
  await expect(page.getByRole('heading', { name: 'Confirm your second factor' })).toBeVisible();
  await authenticator.verifies(false);
  await press(page, 'Use a passkey');
  await expect(page.getByRole('button', { name: 'Use a passkey' })).toHaveAttribute(
    'aria-busy',
    'false',
  ); // and nothing is said of it
  await authenticator.verifies(true);
  await press(page, 'Use a passkey');
  await expect(page).toHaveURL('/overview');

  await page.goto('/account');
  await press(page, 'Remove Laptop');
  await expect(ways.getByRole('alert')).toContainText('requires a second factor');
});

// ASVS 6.3.3
test('whoever has to have a second factor chooses between a passkey and an app', async ({
  page,
  server,
}) => {
  await plugIn(page);
  await demandFactors(server);
  await page.goto('/settings/members');
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await press(page, 'Sign in');
  await expect(page.getByRole('heading', { name: 'Set up a second factor' })).toBeVisible();
  const app = page.getByRole('region', { name: 'An authenticator app' });
  const passkey = page.getByRole('region', { name: 'A passkey' });
  await press(page, 'Set up an app');
  await expect(app.getByRole('img', { name: 'QR code of the secret below' })).toBeVisible();
  await expect(app.getByRole('heading')).toBeFocused();
  await expect(passkey).toBeHidden();
  await press(page, 'Cancel');
  await expect(app.getByRole('heading')).toBeFocused();

  await passkey.getByLabel('Name of the device').fill('Laptop');
  await press(page, 'Add a passkey');
  await expect(page).toHaveURL('/settings/members');
  await expect(page.getByRole('rowheader', { name: 'Ana' })).toBeVisible();
});

test('a passkey signs in again over the page, which keeps what was typed', async ({
  page,
  server,
}) => {
  const authenticator = await plugIn(page);
  await signIn(page);
  await page.goto('/account');
  await addPasskey(page);
  await page.goto('/settings/security');
  await length(page).fill('12');
  await refresh(page).focus();

  await revokeAllByProgram(server);
  const dialog = signInAgain(page);
  const passkey = dialog.getByRole('button', { name: 'Sign in with a passkey' });
  await expect(passkey).toBeFocused();
  await expect(dialog.getByLabel('Password')).toBeHidden();
  await dialog.getByText('Use your password').click();
  await expect(dialog.getByLabel('Password')).toBeFocused();
  await authenticator.verifies(false);
  await passkey.click(); // and the person declines
  await expect(passkey).toHaveAttribute('aria-busy', 'false');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeVisible();
  await expect(dialog.getByRole('alert')).toHaveCount(1); // why it opened, and no refusal
  await authenticator.verifies(true);
  await passkey.click();
  await expect(dialog).toBeHidden();

  await expect(length(page)).toHaveValue('12');
  await expect(refresh(page)).toBeFocused();
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
});

test('the browser offers the passkey in the field, until another way is taken', async ({
  page,
  anotherBrowser,
}) => {
  await plugIn(page, { suggested: true });
  await signIn(page);
  await page.goto('/account');
  await addPasskey(page);
  await press(page, 'Sign out');
  await expect(page, 'chosen at once').toHaveURL('/overview');

  // A person who does not choose, and then declines the dialog of the button.
  const other = await anotherBrowser();
  const authenticator = await plugIn(other, { suggested: true });
  await authenticator.verifies(false);
  await other.addInitScript(() => {
    const get = navigator.credentials.get.bind(navigator.credentials);
    const offers: AbortSignal[] = [];
    Object.assign(window, { offers });
    navigator.credentials.get = (options) => {
      const { mediation, signal } = options ?? {};
      if (mediation !== 'conditional' || !signal) return get(options);
      offers.push(signal);
      return new Promise((_, declined) =>
        signal.addEventListener('abort', () => declined(signal.reason as Error)),
      );
    };
  });
  const offers = () =>
    other.evaluate(() =>
      (window as unknown as { offers: AbortSignal[] }).offers.map(({ aborted }) => aborted),
    );
  await other.goto('/sign-in');
  await expect.poll(offers).toEqual([false]);
  await press(other, 'Sign in with a passkey');
  await expect.poll(offers, 'offered again').toEqual([true, false]);
  await other.getByLabel('Email').fill(OWNER.email);
  await other.getByLabel('Password').fill(OWNER.password);
  await press(other, 'Sign in');
  await expect(other).toHaveURL('/overview');
  expect(await offers()).toEqual([true, true]);
});
