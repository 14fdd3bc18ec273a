import type { Locator, Page } from '@playwright/test';
import { expect } from './journey';
import { OWNER } from './server';

export const dialog = (page: Page, name: string | RegExp) => page.getByRole('dialog', { name });

export const press = (within: Page | Locator, name: string) =>
  within.getByRole('button', { name, exact: true }).click();

/** The row of a member. */
export const row = (page: Page, name: string) => {
  const head = page.getByRole('rowheader', { name: new RegExp(`^${name}( You)?$`) });
  return page.getByRole('row').filter({ has: head });
};

export async function openMembers(page: Page) {
  await page.goto('/settings/members');
  await expect(page).toHaveTitle('Members · Account settings · Curfew');
  await row(page, OWNER.name).waitFor();
}

/** Opens the dialog of a member. */
export async function manage(page: Page, name: string): Promise<Locator> {
  await press(page, `Manage ${name}`);
  const opened = dialog(page, name);
  await expect(opened).toBeVisible();
  return opened;
}

/** Gives the owner's proof of identity, after which the task runs again. */
export async function prove(page: Page, action: string) {
  const proof = dialog(page, 'Confirm that it is you');
  await proof.getByLabel('Password').fill(OWNER.password);
  await press(proof, action);
}
