import type { Locator, Page } from '@playwright/test';
import { expect } from './journey';
import { OWNER } from './server';

export const dialog = (page: Page, name: string | RegExp) => page.getByRole('dialog', { name });

export const press = (within: Page | Locator, name: string) =>
  within.getByRole('button', { name, exact: true }).click();

/** The row of a member. */
export const row = (page: Page, name: string) => {
  const head = page.getByRole('rowheader', {
    name: new RegExp(`^${name}( You| Invited| Blocked)*$`),
  });
  return page.getByRole('row').filter({ has: head });
};

export async function openMembers(page: Page) {
  await page.goto('/settings/members');
  await expect(page).toHaveTitle('Members · Account settings · Curfew');
  await row(page, OWNER.name).waitFor();
}

/** The link that opens the drawer of a member. */
export const opener = (page: Page, name: string) =>
  page.getByRole('rowheader').getByRole('link', { name, exact: true });

/** Opens the drawer of a member. */
export async function manage(page: Page, name: string): Promise<Locator> {
  await opener(page, name).click();
  const opened = page.getByRole('dialog', { name, exact: true });
  await expect(opened).toBeVisible();
  return opened;
}

/** Chooses in the menu of a filter. */
export async function choose(page: Page, filter: string, option: string) {
  await press(page, filter);
  await page.getByRole('option', { name: option, exact: true }).click();
}

/** Opens the form of a member's name, email and role. */
export async function edit(page: Page, drawer: Locator): Promise<Locator> {
  await press(drawer, 'Edit name, email and role');
  return dialog(page, 'Edit member');
}

/** Gives the owner's proof of identity, after which the task runs again. */
export async function prove(page: Page, action: string) {
  const proof = dialog(page, 'Confirm that it is you');
  await proof.getByLabel('Password').fill(OWNER.password);
  await press(proof, action);
}
