import { Authenticator } from '../authenticator';
import { length, sendSignIn, signIn, signInAgain } from '../journey';
import {
  addFactor,
  addMember,
  deactivateByProgram,
  demandFactors,
  invite,
  revokeAllByProgram,
} from '../server';
import type { State } from './state';

export const signedOut: State[] = [
  {
    name: 'sign-in',
    enter: async (page) => {
      await page.goto('/sign-in');
      await page.getByLabel('Email').waitFor();
    },
  },
  {
    name: 'sign-in-wrong-password',
    enter: async (page) => {
      await page.goto('/sign-in');
      await page.getByLabel('Email').fill('ana@example.org');
      await page.getByLabel('Password').fill('not the password');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').waitFor();
    },
  },
  {
    name: 'sign-in-code',
    enter: async (page, server) => {
      await addFactor(server);
      await sendSignIn(page);
      await page.getByLabel('Code').fill('000000');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText(/^The code is wrong/).waitFor();
    },
  },
  {
    name: 'ended',
    enter: async (page, server) => {
      await signIn(page);
      await length(page).fill('5');
      await revokeAllByProgram(server);
      await signInAgain(page).getByLabel('Password').waitFor();
    },
  },
  {
    name: 'ended-wrong-password',
    enter: async (page, server) => {
      await signIn(page);
      await revokeAllByProgram(server);
      await signInAgain(page).getByLabel('Password').fill('not the password');
      await signInAgain(page).getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByText('The password is wrong. Try again.').waitFor();
    },
  },
  {
    name: 'ended-deactivated',
    enter: async (page, server) => {
      const member = await addMember(server, 'member', 'Ben Okafor');
      await signIn(page, member);
      await deactivateByProgram(server, member.email);
      await page.getByRole('dialog', { name: 'You are signed out' }).waitFor();
    },
  },
  {
    name: 'second-factor-choice',
    enter: async (page, server) => {
      await demandFactors(server);
      await sendSignIn(page);
      await page.getByRole('button', { name: 'Set up an app' }).waitFor();
    },
  },
  {
    name: 'second-factor',
    enter: async (page, server) => {
      await demandFactors(server);
      await sendSignIn(page);
      await page.getByRole('button', { name: 'Set up an app' }).click();
      const secret = await page.getByText(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/).textContent();
      await page.getByLabel('Code', { exact: true }).fill(new Authenticator(secret ?? '').code());
      await page.getByRole('button', { name: 'Turn on' }).click();
      await page.getByRole('list', { name: 'Recovery codes' }).waitFor();
    },
  },
  {
    name: 'accept-invitation',
    enter: async (page, server) => {
      await page.goto(await invite(server, 'member', 'Bo Karlsson'));
      await page.getByLabel('Password').fill('not long');
    },
  },
  {
    name: 'accept-invitation-dead-link',
    enter: async (page) => {
      await page.goto('/accept-invitation#token=altered');
      await page.getByLabel('Password').fill('a password of my own');
      await page.getByRole('button', { name: 'Set password' }).click();
      await page.getByText('This link does not work').waitFor();
    },
  },
];
