import { playExpiring, refuseSettings, signIn, signInAgain } from '../journey';
import { OWNER, saveByProgram } from '../server';
import type { State } from './state';

export const shell: State[] = [
  {
    name: 'expiring',
    enter: async (page) => {
      await signIn(page);
      await playExpiring(page, 240);
      await page.getByRole('button', { name: 'Stay signed in' }).waitFor();
    },
  },
  {
    name: 'expiring-for-good',
    enter: async (page, server) => {
      await saveByProgram(server, OWNER, { refreshAutomatically: false });
      await signIn(page);
      await playExpiring(page, 230);
      await page.getByRole('button', { name: 'Sign in again now' }).click();
      await signInAgain(page).getByLabel('Password').waitFor();
    },
  },
  {
    name: 'outage',
    enter: async (page) => {
      await signIn(page);
      await page.route('/api/session', (route) => route.abort());
      await page.reload();
      await page.getByRole('button', { name: 'Retry' }).waitFor();
    },
  },
  {
    name: 'refused',
    enter: async (page) => {
      await signIn(page);
      await refuseSettings(page);
      await page.reload();
      await page.getByText('You may not do this').waitFor();
    },
  },
  {
    name: 'unknown-page',
    enter: async (page) => {
      await page.goto('/settings/nowhere');
      await page.getByText('Page not found').waitFor();
    },
  },
];
