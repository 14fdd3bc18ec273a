import type { Page } from '@playwright/test';
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

async function chooseGuidelines(page: Page) {
  await page.getByText('Compliance check').click();
  await page.getByRole('button', { name: 'Which apply to you?' }).click();
  const dialog = page.getByRole('dialog');
  for (const name of ['AAL2 (2.2.3)', 'CISA', 'ASVS 5.0, 7.3.1']) {
    await dialog.getByLabel(name).check();
  }
  await dialog.getByRole('button', { name: 'Save choice' }).click();
  await dialog.waitFor({ state: 'hidden' });
}

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
      await effect(page).getByText('No one is signed out', { exact: true }).waitFor();
    },
  },
  {
    name: 'security-signs-out',
    enter: async (page) => {
      await signIn(page);
      await playEffect(page, 7, true);
      await length(page).fill('3');
      await limited(page).check();
      await effect(page).getByText('7 sessions end', { exact: true }).waitFor();
      await effect(page).getByText('Show as table').click();
    },
  },
  {
    name: 'security-guidelines',
    enter: async (page) => {
      await signIn(page);
      await chooseGuidelines(page);
      await page.getByText('13 other guidelines').click();
    },
  },
  {
    name: 'security-choose-guidelines',
    enter: async (page) => {
      await signIn(page);
      await page.getByText('Compliance check').click();
      await page.getByRole('button', { name: 'Which apply to you?' }).click();
      await page.getByRole('dialog').getByLabel('PCI DSS v4, 8.2.8').check();
    },
  },
  {
    name: 'security-earlier',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/settings/security?use=3d,refresh,30d');
      await effect(page).getByText('No one is signed out', { exact: true }).waitFor();
    },
  },
  {
    name: 'security-auditor',
    enter: async (page, server) => {
      await signIn(page, await addMember(server, 'auditor', 'Chi Nguyen'));
      await page.getByText('You can look, not change.').waitFor();
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
      await page.getByRole('dialog').getByLabel('To confirm, type').fill('24');
    },
  },
  {
    name: 'security-no-preview',
    enter: async (page) => {
      await page.route('/api/settings/security/preview', (route) => route.abort());
      await signIn(page);
      await length(page).fill('3');
      await page.getByText('Couldn’t calculate the effect.').first().waitFor();
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
      await page.getByRole('alert').getByRole('button', { name: 'Retry' }).waitFor();
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
      await page.getByRole('dialog').getByRole('definition').first().getByText('1').waitFor();
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
