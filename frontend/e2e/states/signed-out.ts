import { Authenticator } from '../authenticator';
import { addPasskey, length, plugIn, sendSignIn, signIn, signInAgain } from '../journey';
import {
  addFactor,
  addMember,
  deactivateByProgram,
  demandFactors,
  invite,
  resetLink,
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
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('alert').waitFor();
    },
  },
  {
    name: 'sign-in-code',
    enter: async (page, server) => {
      await addFactor(server);
      await sendSignIn(page);
      await page.getByLabel('Code').fill('000000');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
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
    name: 'second-factor-passkey',
    enter: async (page, server) => {
      await plugIn(page);
      await signIn(page);
      await page.goto('/account');
      await addPasskey(page);
      await demandFactors(server);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await sendSignIn(page);
      await page.getByRole('button', { name: 'Use a passkey' }).waitFor();
    },
  },
  {
    name: 'ended-passkey',
    enter: async (page, server) => {
      await plugIn(page);
      await signIn(page);
      await page.goto('/account');
      await addPasskey(page);
      await page.goto('/settings/security');
      await length(page).waitFor();
      await revokeAllByProgram(server);
      await signInAgain(page).getByText('Use your password').click();
      await signInAgain(page).getByLabel('Password').waitFor();
    },
  },
  {
    name: 'sign-in-forgotten',
    enter: async (page) => {
      await page.goto('/sign-in');
      await page.getByRole('button', { name: 'Forgot password?' }).click();
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
    name: 'accept-invitation-long-name',
    enter: async (page, server) => {
      await page.goto(await invite(server, 'member', LONG, `${'bo'.repeat(30)}@example.org`));
      await page.getByLabel('Password').waitFor();
    },
  },
  {
    name: 'accept-reset',
    enter: async (page, server) => {
      const member = await addMember(server, 'member', 'محمد بن راشد');
      await page.goto(await resetLink(server, member.email));
      await page.getByLabel('Password').fill('password1234567');
    },
  },
  {
    name: 'accept-invitation-dead-link',
    enter: async (page) => {
      await page.goto('/accept-invitation#token=altered');
      await page.getByText("This link doesn't work").waitFor();
    },
  },
  {
    name: 'accept-invitation-no-link',
    enter: async (page) => {
      await page.goto('/accept-invitation');
      await page.getByText('Open your link again').waitFor();
    },
  },
];

const LONG = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft';
