import type { Page } from '@playwright/test';
import { expect, length, signIn, test } from './journey';
import { demandFactors } from './server';

test.beforeEach(async ({ organization }) => void organization);

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

/** An authenticator in software, as a laptop with a fingerprint reader has one. */
async function plugIn(page: Page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    verifies: (isUserVerified: boolean) =>
      cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
  };
}

test('a passkey is added, signs in, proves who one is, and stays while it is demanded', async ({
  page,
  organization,
}) => {
  await plugIn(page);
  await signIn(page);
  await page.goto('/account');
  const passkeys = page.getByRole('region', { name: 'Passkeys' });
  await passkeys.getByLabel('Name of the device').fill('Laptop');
  await press(page, 'Add a passkey');
  await expect(page.getByText('Laptop signs you in from now on.')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Passkeys' })).toBeFocused();
  await passkeys.getByLabel('Name of the device').fill('The same');
  await press(page, 'Add a passkey');
  await expect(passkeys.getByRole('alert')).toContainText('holds a passkey of yours already');

  await press(page, 'Sign out');
  await press(page, 'Use a passkey');
  await expect(length(page)).toBeVisible();

  // It is two factors at once, and what a session of a password proves where they are demanded.
  await demandFactors(organization);
  await page.reload();
  await expect(length(page)).toBeVisible();
  await press(page, 'Sign out');
  await page.getByLabel('Email').fill('ana@example.org');
  await page.getByLabel('Password').fill('correct horse battery staple');
  await press(page, 'Sign in');
  await expect(page.getByRole('heading', { name: 'Set up a second factor' })).toBeVisible();
  await press(page, 'Use it');
  await page.getByRole('dialog').getByRole('button', { name: 'Use a passkey' }).click();
  await expect(length(page)).toBeVisible();

  await page.goto('/account');
  await press(page, 'Remove Laptop');
  await expect(passkeys.getByRole('alert')).toContainText('demands a second factor');
});
