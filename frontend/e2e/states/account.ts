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
      await page.getByText('You set up the organization').waitFor();
    },
  },
  {
    name: 'account-second-factor',
    enter: async (page, server) => {
      await plugIn(page);
      await signIn(page);
      await page.goto('/account');
      await page.getByLabel('Name of the device').fill('Laptop');
      await page.getByRole('button', { name: 'Add a passkey' }).click();
      await page.getByText('Laptop signs you in from now on.').waitFor();
      await addFactor(server);
      await page.reload();
      await page.getByText('10 recovery codes left.').waitFor();
      await page.getByRole('button', { name: 'Remove Laptop' }).waitFor();
      await page.getByText('How you sign in has changed').waitFor();
    },
  },
  {
    name: 'account-enrolling',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/account');
      await page.getByRole('button', { name: 'Set up a second factor' }).click();
      await page.getByRole('img', { name: /^QR code/ }).waitFor();
    },
  },
  {
    name: 'account-only-session',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/account');
      await page.getByText('You are signed in nowhere else.').waitFor();
      await page.getByLabel('Current password').fill('not the password');
      await page.getByLabel('New password').fill('another horse battery staple');
      await page.getByRole('button', { name: 'Change password' }).click();
      await page.getByText('The password is wrong. Try again.').waitFor();
    },
  },
  {
    name: 'account-signed-out-others',
    enter: async (page, server) => {
      await signInByProgram(server);
      await signIn(page);
      await page.goto('/account');
      await page.getByRole('button', { name: 'Sign out all others' }).click();
      await page.getByText('1 other session was signed out.').waitFor();
      await page.getByText('You ended one of your sessions').waitFor();
    },
  },
  {
    name: 'account-outage',
    enter: async (page) => {
      await signIn(page);
      await page.route('/api/sessions', (route) => route.abort());
      await page.route('/api/account/activity?*', (route) => route.abort());
      await page.goto('/account');
      await expect(page.getByRole('button', { name: 'Retry' })).toHaveCount(2);
    },
  },
];
