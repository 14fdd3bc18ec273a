import type { Page } from '@playwright/test';
import { save, signIn } from '../journey';
import { png, type Chosen } from '../png';
import { addMember } from '../server';
import type { State } from './state';

export async function openGeneral(page: Page) {
  await page.goto('/settings/general');
  await page.getByRole('heading', { name: 'General', exact: true }).waitFor();
}

/** Chooses a file as the logo, as the file chooser does. */
export const choose = (page: Page, file: Chosen) =>
  page.locator('input[type=file]').setInputFiles(file);

export const general: State[] = [
  {
    name: 'general',
    enter: async (page) => {
      await signIn(page);
      await openGeneral(page);
    },
  },
  {
    name: 'general-saved',
    enter: async (page) => {
      await signIn(page);
      await openGeneral(page);
      await choose(page, png(64, 64));
      await page.getByRole('button', { name: 'Save logo' }).click();
      await page.getByRole('button', { name: 'Remove logo' }).waitFor();
      await page.getByLabel('Help contact').fill('Ana Lima, ana@example.org, room 12');
      await save(page).click();
      await page.locator('form').getByText('Saved').waitFor();
    },
  },
  {
    name: 'general-wrong',
    enter: async (page) => {
      await signIn(page);
      await openGeneral(page);
      await choose(page, png(600, 20));
      await page.getByRole('button', { name: 'Save logo' }).click();
      await page.getByText('This image has 600 × 20 pixels.').waitFor();
      await page.getByLabel('Organization name').fill('');
      await save(page).click();
      await page.getByText('This is needed.').waitFor();
    },
  },
  {
    name: 'general-auditor',
    enter: async (page, server) => {
      await signIn(page, await addMember(server, 'auditor', 'Chi Nguyen'));
      await openGeneral(page);
    },
  },
];
