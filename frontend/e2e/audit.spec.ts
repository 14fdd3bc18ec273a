import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, length, save, signIn, test } from './journey';
import { addMember, signInByProgram } from './server';

const entries = (page: Page) => page.getByRole('region', { name: 'Entries' }).locator('summary');

async function openAudit(page: Page, query = '') {
  await page.goto(`/settings/audit${query}`);
  await expect(page.getByText(/^Looking up/)).toBeHidden();
}

test('a saved policy is told in words, with what changed', async ({ page }) => {
  await signIn(page);
  await length(page).fill('12');
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await page.getByRole('link', { name: 'Audit log' }).click();
  await expect(page).toHaveTitle('Audit log · Account settings · Curfew');

  await expect(entries(page)).toContainText([
    'Ana set the session length to 12 days',
    'Ana signed in',
    'Ana set up the organization',
  ]);
  await entries(page).first().click();
  const changed = page.getByRole('table', { name: 'What changed' });
  await expect(changed.getByRole('row')).toHaveCount(2);
  await expect(changed.getByRole('row', { name: 'Session length 14 days 12 days' })).toBeVisible();
  await expect(page.getByText('policy.saved', { exact: true })).toBeVisible();
  await expect(page.locator('details code').last()).toHaveText(/^[0-9a-f]{64}$/);
});

test('the chain is checked, and what does not fit is named', async ({ page }) => {
  await signIn(page);
  await openAudit(page);
  const chain = page.getByRole('region', { name: 'Chain of entries' });
  await expect(chain.getByText(/^Intact: 2 entries checked just now\.$/)).toBeVisible();
  await expect(chain.locator('code')).toHaveText(/^[0-9a-f]{64}$/);

  await page.route('/api/audit/chain', (route) =>
    route.fulfill({
      json: {
        entries: 12345,
        intact: false,
        head: 'ab'.repeat(32),
        checkedAt: new Date().toISOString(),
        broken: { sequence: 7, reason: 'The entry was altered.' },
      },
    }),
  );
  await chain.getByRole('button', { name: 'Check again' }).click();
  await expect(chain.getByText('Broken at entry 7. The entry was altered.')).toBeVisible();
});

test('entries are picked by member, action and day, in the address', async ({ page, server }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  await signInByProgram(server, ben);
  await signIn(page);
  await openAudit(page);

  const member = page.getByRole('combobox', { name: 'Member' });
  await member.fill('oka');
  await expect(page.getByRole('option', { name: /Ben Okafor/ })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\?member=/);
  await expect(entries(page)).toContainText([
    'Ben Okafor signed in',
    'Ben Okafor accepted the invitation',
    'Ana invited Ben Okafor',
  ]);

  await page.getByRole('combobox', { name: 'Action' }).selectOption('Invitations');
  await expect(entries(page)).toHaveCount(1);
  await page.reload();
  await expect(page.getByRole('combobox', { name: 'Action' })).toHaveValue('member.invited');
  await expect(page.getByText('Member Ben Okafor')).toBeVisible();
  await expect(entries(page)).toHaveCount(1);

  await expect(page.getByLabel('From')).toBeHidden();
  await page.getByRole('button', { name: 'Dates…' }).click();
  await expect(page.getByLabel('From')).toBeFocused();
  await expect(page.getByLabel('From')).toHaveValue('');
  await page.getByLabel('From').fill('2001-01-01');
  await expect(entries(page)).toHaveCount(1);
  await page.getByLabel('to', { exact: true }).fill('2001-12-31');
  await expect(page.getByText('Nothing matches.')).toBeVisible();
  await page.goBack();
  await expect(entries(page)).toHaveCount(1);
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await expect(page).toHaveURL('/settings/audit');
  await expect(page.getByLabel('From')).toBeHidden();
  await expect(entries(page).filter({ hasText: 'Ana set up the organization' })).toBeVisible();

  await page.goto('/settings/audit?to=2001-12-31');
  await expect(page.getByLabel('to', { exact: true })).toHaveValue('2001-12-31');
});

test('the log is exported as it is filtered', async ({ page }) => {
  await signIn(page);
  await openAudit(page, '?action=organization.set_up');
  for (const [name, file] of [
    ['Export as CSV', 'audit.csv'],
    ['Export as JSON Lines', 'audit.jsonl'],
  ] as const) {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name }).click(),
    ]);
    expect(download.suggestedFilename()).toBe(file);
    const text = readFileSync(await download.path(), 'utf8');
    expect(text).toContain('organization.set_up');
    expect(text).not.toContain('session.started');
  }
});

test('a long log is shown page by page', async ({ page, server }) => {
  for (let i = 0; i < 3; i++) await signInByProgram(server);
  await signIn(page);
  await page.route('/api/audit?*', (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set('limit', '2');
    return route.continue({ url: url.href });
  });
  await page.route('/api/audit', (route) =>
    route.continue({ url: `${server.url}/api/audit?limit=2` }),
  );
  await openAudit(page);
  await expect(entries(page)).toHaveCount(2);
  await page.getByRole('button', { name: 'Show more entries' }).click();
  await expect(entries(page)).toHaveCount(4);
  await page.getByRole('button', { name: 'Show more entries' }).click();
  await expect(entries(page)).toHaveCount(5);
  await expect(page.getByRole('button', { name: 'Show more entries' })).toBeHidden();
});

test('an auditor reads it, and an outage is said', async ({ page, server }) => {
  await signIn(page, await addMember(server, 'auditor', 'Chi Nguyen'));
  await page.route('/api/audit', (route) => route.abort(), { times: 1 });
  await page.goto('/settings/audit');
  await expect(page.getByRole('alert')).toContainText('Curfew cannot be reached');
  await page.getByRole('button', { name: 'Retry' }).click();
  await expect(entries(page).first()).toContainText('Chi Nguyen signed in');
});
