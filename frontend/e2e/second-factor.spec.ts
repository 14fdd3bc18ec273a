import type { Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { Authenticator } from './authenticator';
import { expect, signIn, test } from './journey';
import { manage } from './members';
import { addMember, OWNER, signInByProgram } from './server';

const ways = (page: Page) => page.getByRole('region', { name: 'How you sign in' });
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

/** Sets a second factor up where the page asks for it, and gives the app and the recovery codes. */
async function setUp(page: Page, code = (app: Authenticator) => Promise.resolve(app.code())) {
  const secret = await page.getByText(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/).textContent();
  const app = new Authenticator(secret ?? '');
  await expect(page.getByRole('img', { name: 'QR code of the secret below' })).toBeVisible();
  await page.getByLabel('Code', { exact: true }).fill('000000');
  await press(page, 'Turn on');
  await expect(page.getByLabel('Code', { exact: true })).toHaveAccessibleDescription(
    /^This is not the code that the app shows now/,
  );
  await page.getByLabel('Code', { exact: true }).fill(await code(app));
  await press(page, 'Turn on');
  const codes = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem');
  await expect(codes).toHaveCount(10);
  const recoveryCodes = await codes.allTextContents();
  const downloading = page.waitForEvent('download');
  await press(page, 'Download');
  const download = await downloading;
  expect(download.suggestedFilename()).toBe('recovery-codes.txt');
  expect(readFileSync(await download.path(), 'utf8')).toBe(`${recoveryCodes.join('\n')}\n`);
  await press(page, 'I have kept them');
  return { app, recoveryCodes };
}

/** Gets as far as a password does. */
async function halfway(page: Page, { email, password } = OWNER) {
  await page.goto('/sign-in');
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(password);
  await press(page, 'Sign in');
  await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible();
  await expect(page.getByText(`Enter the code for ${email}.`)).toBeVisible();
}

// ASVS 6.3.5, 6.3.7, 6.5.6
test('a second factor is set up, asked for, and removed', async ({
  page,
  server,
  anotherBrowser,
}) => {
  await signIn(page);
  await signInByProgram(server);
  await page.goto('/account');
  await page.getByRole('button', { name: 'Set up an authenticator app' }).click();
  const { app, recoveryCodes } = await setUp(page, (each) => each.previousCode());
  await expect(
    page.getByText('Authenticator app set up; 1 other session was signed out.'),
  ).toBeVisible();
  await expect(ways(page)).toContainText('10 recovery codes left');
  await expect(page.getByRole('heading', { name: 'How you sign in' })).toBeFocused();

  const phone = await anotherBrowser();
  await halfway(phone);
  const code = phone.getByLabel('Code', { exact: true });
  await expect(code).toBeFocused();
  await code.fill('000000');
  await press(phone, 'Sign in');
  await expect(code).toHaveAccessibleDescription(/^The code is wrong, or was used already/);
  await press(phone, 'Start over');
  await expect(phone.getByLabel('Email')).toHaveValue(OWNER.email);
  await halfway(phone);
  await code.fill(app.code());
  await press(phone, 'Sign in');
  await expect(phone).toHaveURL('/overview');

  // What changed is told, until it is put away.
  await phone.goto('/account');
  await expect(phone.getByText(/^You set up a second factor · .+ · just now$/)).toBeVisible();
  await press(phone, 'Yes, this was me');
  await expect(phone.getByText('Was this you?')).toBeHidden();
  await phone.reload();
  await expect(ways(phone)).toContainText('10 recovery codes left');
  await expect(phone.getByText('Was this you?')).toBeHidden();

  // So is an attempt with the password alone.
  await fetch(`${server.url}/api/sessions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: OWNER.email, password: OWNER.password, code: '000000' }),
  });
  await phone.reload();
  await expect(phone.getByText('Is someone else using your password?')).toBeVisible();
  await expect(
    phone.getByText(/^Someone entered your correct password but a wrong code · .+ · just now$/),
  ).toBeVisible();

  // A proof of who one is that is too old cannot be had without waiting, so the refusal is played
  // once.
  await page.route(
    '/api/account/second-factor?*',
    (route) =>
      route.fulfill({
        status: 403,
        contentType: 'application/problem+json',
        json: {
          type: '/api/docs#reauthentication_required',
          title: 'Forbidden',
          status: 403,
          detail: 'This asks for a fresh proof of identity.',
          code: 'reauthentication_required',
          requestId: 'r1',
        },
      }),
    { times: 1 },
  );
  await press(page, 'Manage authenticator app');
  await press(page, 'Remove');
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  const proof = page.getByRole('dialog', { name: 'Confirm that it is you' });
  await proof.getByLabel('Password').fill(OWNER.password);
  await proof.getByLabel('Code', { exact: true }).fill(recoveryCodes[0] ?? '');
  await proof.getByRole('button', { name: 'Go on' }).click();
  await expect(
    page.getByText('Authenticator app removed; 1 other session was signed out.'),
  ).toBeVisible();
  await expect(page.getByRole('button', { name: 'Set up an authenticator app' })).toBeVisible();
  await page.getByRole('heading', { name: 'Activity' }).click();
  await expect(page.getByText(/^You used a recovery code /)).toBeVisible();
});

test('an organization that demands a second factor leads to it', async ({
  page,
  server,
  anotherBrowser,
}) => {
  const bo = await addMember(server, 'member', 'Bo Karlsson');
  const phone = await anotherBrowser();
  await signIn(phone, bo);
  await signIn(page);
  const twoStep = page.getByRole('region', { name: 'Two-step sign-in' });
  await expect(twoStep).toContainText('0 of 2 members have one.');
  await page.getByRole('button', { name: 'Require for everyone' }).click();
  const asking = page.getByRole('dialog', { name: 'Require a second factor?' });
  await expect(asking).toContainText('You too, at once.');
  await asking.getByRole('button', { name: 'Require for everyone' }).click();

  await expect(page).toHaveURL('/second-factor?next=%2Fsettings%2Fsecurity');
  await expect(page.getByRole('heading', { name: 'Set up a second factor' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Account settings' })).toBeHidden();
  await page.goto('/settings/members');
  await expect(page).toHaveURL('/second-factor?next=%2Fsettings%2Fmembers');
  await press(page, 'Set up an app');
  await setUp(page);
  await expect(page).toHaveURL('/settings/members');
  await page.getByRole('link', { name: 'Security' }).click();
  await expect(twoStep).toContainText('1 of 2 members has one.');

  // Who is in the middle of something is led there, too, and comes back to it.
  await press(phone, 'Change password');
  const changing = phone.getByRole('dialog', { name: 'Change password' });
  await changing.getByLabel('Current password').fill(OWNER.password);
  await changing.getByLabel('New password').fill('another horse battery staple');
  await changing.getByRole('button', { name: 'Change password' }).click();
  await expect(phone).toHaveURL('/second-factor?next=%2Faccount');
  await press(phone, 'Set up an app');
  await setUp(phone);
  await expect(phone).toHaveURL('/account');
  await press(phone, 'Manage authenticator app');
  await expect(phone.getByRole('dialog')).toContainText('Your organization requires');
  await expect(phone.getByRole('button', { name: 'Remove', exact: true })).toBeHidden();
  await phone.keyboard.press('Escape');

  // Who has lost it is helped by an admin.
  await page.getByRole('link', { name: 'Members' }).click();
  await manage(page, 'Bo Karlsson');
  await press(page, 'Remove second factor');
  await press(page, 'Remove and sign out');
  await expect(page.getByText('Second factor removed; 1 session ended.')).toBeVisible();
  await expect(phone.getByRole('dialog', { name: 'Sign in again' })).toContainText(
    'Your password or second factor was changed',
  );
});
