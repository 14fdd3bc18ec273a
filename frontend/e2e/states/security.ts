import {
  effect,
  expect,
  length,
  limited,
  meaning,
  playEffect,
  requireProofOnce,
  revokeAll,
  save,
  signIn,
  unit,
} from '../journey';
import { addMember, saveByProgram } from '../server';
import type { State } from './state';

export const security: State[] = [
  { name: 'security', enter: (page) => signIn(page) },
  {
    name: 'security-saved',
    enter: async (page) => {
      await signIn(page);
      await length(page).fill('12');
      await save(page).click();
      await expect(page.getByText('Saved', { exact: true })).toBeVisible();
    },
  },
  {
    name: 'security-changed',
    enter: async (page) => {
      await signIn(page);
      await length(page).fill('3');
      await expect(meaning(page)).toContainText('for 3 days after their last visit');
      await page.getByText('Saving signs nobody out at once.').waitFor();
    },
  },
  {
    name: 'security-signs-out',
    enter: async (page) => {
      await signIn(page);
      await playEffect(page, 7, true);
      await length(page).fill('3');
      await limited(page).check();
      await page.getByText('Saving signs out 7 sessions').waitFor();
      await effect(page).getByText('Show as table').click();
    },
  },
  {
    name: 'security-guidelines',
    enter: async (page) => {
      await signIn(page);
      await page.getByRole('button', { name: /for NIST SP 800-63B-4, AAL2/ }).click();
      await page.getByText('Saving signs nobody out at once.').waitFor();
      for (const summary of [/more not met$/, /^\d+ met$/]) await page.getByText(summary).click();
    },
  },
  {
    name: 'security-much-shorter',
    enter: async (page) => {
      await signIn(page);
      await playEffect(page, 7);
      await length(page).fill('42');
      await unit(page).selectOption('minutes');
      await save(page).click();
      await page.getByRole('dialog').getByLabel('Type the new number').fill('24');
    },
  },
  {
    name: 'security-no-preview',
    enter: async (page) => {
      await page.route('/api/settings/security/preview', (route) => route.abort());
      await signIn(page);
      await length(page).fill('3');
      await page.getByText('The effect cannot be worked out now.').waitFor();
    },
  },
  {
    name: 'security-invalid',
    enter: async (page) => {
      await signIn(page);
      await length(page).fill('999');
      await save(page).click();
      await page.getByText('Enter a whole number from 1 to 365 days.').waitFor();
    },
  },
  {
    name: 'security-stale',
    enter: async (page, server) => {
      await signIn(page);
      await length(page).fill('5');
      await saveByProgram(server, await addMember(server, 'admin', 'Ben Okafor'));
      await page.getByRole('button', { name: 'Use theirs' }).waitFor();
    },
  },
  {
    name: 'security-changed-by-another',
    enter: async (page, server) => {
      await signIn(page);
      await saveByProgram(server, await addMember(server, 'admin', 'Ben Okafor'));
      await page.getByText(/^Ben Okafor saved a change at /).waitFor();
    },
  },
  {
    name: 'security-proof',
    enter: async (page) => {
      await signIn(page);
      await requireProofOnce(page);
      await length(page).fill('30');
      await save(page).click();
      await page.getByRole('dialog').getByLabel('Password').fill('not the password');
      await page.getByRole('button', { name: 'Confirm and save' }).click();
      await page.getByText('The password is wrong. Try again.').waitFor();
    },
  },
  {
    name: 'security-offline',
    enter: async (page) => {
      await signIn(page);
      await length(page).fill('3');
      await page.context().setOffline(true);
      await save(page).click();
      await page.getByRole('button', { name: 'Retry' }).waitFor();
    },
  },
  {
    name: 'security-server-down',
    enter: async (page, server) => {
      await signIn(page);
      await length(page).fill('3');
      await server.stop();
      await save(page).click();
      await page.getByText('Curfew cannot be reached').waitFor();
    },
  },
  {
    name: 'revoke-all',
    enter: async (page) => {
      await signIn(page);
      await revokeAll(page).click();
      await page.getByRole('dialog').getByText('This ends 1 session of 1 member').waitFor();
    },
  },
  {
    name: 'revoked',
    enter: async (page) => {
      await signIn(page);
      await revokeAll(page).click();
      await revokeAll(page.getByRole('dialog')).click();
      await page.getByText('You signed everyone out').waitFor();
    },
  },
];
