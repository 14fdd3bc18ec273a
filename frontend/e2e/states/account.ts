import { expect, plugIn, signIn } from '../journey';
import { addFactor, signInByProgram } from '../server';
import type { State } from './state';

export const account: State[] = [
  {
    name: 'account',
    enter: async (page, server) => {
      await signInByProgram(server);
      await signIn(page);
      await page.getByRole('link', { name: 'Your account' }).click();
      await page.getByText('A program (curl)', { exact: true }).waitFor();
      await page.getByRole('heading', { name: 'Activity' }).click();
      await page.getByText('You set up the organization').waitFor();
    },
  },
  {
    name: 'account-second-factor',
    enter: async (page, server) => {
      await plugIn(page);
      await signIn(page);
      await page.goto('/account');
      await page.getByRole('button', { name: 'Add a passkey' }).click();
      const adding = page.getByRole('dialog', { name: 'Add a passkey' });
      await adding.getByLabel('Name of the device').fill('Laptop');
      await adding.getByRole('button', { name: 'Add a passkey' }).click();
      await page.getByText('Laptop signs you in from now on.').waitFor();
      await addFactor(server);
      await page.reload();
      await page.getByText('10 recovery codes left').waitFor();
      await page.getByRole('button', { name: 'Remove Laptop' }).waitFor();
      await page.getByText('Was this you?').waitFor();
    },
  },
  {
    name: 'account-enrolling',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/account');
      await page.getByRole('button', { name: 'Set up an authenticator app' }).click();
      await page.getByRole('img', { name: /^QR code/ }).waitFor();
    },
  },
  {
    name: 'account-only-session',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/account');
      await page.getByText('No other sessions.').waitFor();
      await page.getByRole('button', { name: 'Change password' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Current password').fill('not the password');
      await dialog.getByLabel('New password').fill('another horse battery staple');
      await dialog.getByRole('button', { name: 'Change password' }).click();
      await page.getByText('The password is wrong. Try again.').waitFor();
    },
  },
  {
    name: 'account-signed-out-others',
    enter: async (page, server) => {
      await signInByProgram(server);
      await signIn(page);
      await page.goto('/account');
      await page.getByRole('button', { name: 'Sign out the others' }).click();
      await page.getByText('1 other session was signed out.').waitFor();
      await page.getByText('No other sessions.').waitFor();
    },
  },
  {
    name: 'account-outage',
    enter: async (page) => {
      await signIn(page);
      await page.route('/api/sessions', (route) => route.abort());
      await page.route('/api/account/activity?*', (route) => route.abort());
      await page.goto('/account');
      await page.getByRole('heading', { name: 'Activity' }).click();
      await expect(page.getByRole('button', { name: 'Retry' })).toHaveCount(2);
    },
  },
  {
    name: 'account-authenticator-app',
    enter: async (page, server) => {
      await signIn(page);
      await addFactor(server);
      await page.goto('/account');
      await page.getByRole('button', { name: 'Manage authenticator app' }).click();
      await page.getByRole('button', { name: 'New recovery codes' }).waitFor();
    },
  },
  {
    name: 'welcome',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/welcome');
      await page.getByRole('button', { name: 'Add a passkey' }).waitFor();
    },
  },
  {
    name: 'help',
    enter: async (page) => {
      await page.goto('/help');
      await page.getByRole('heading', { name: 'Help', exact: true }).waitFor();
    },
  },
];
