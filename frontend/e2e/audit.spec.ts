import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, length, save, signIn, test } from './journey';
import {
  addMember,
  call,
  OWNER,
  revokeAllByProgram,
  saveByProgram,
  signInByProgram,
  type Server,
} from './server';

const log = (page: Page) => page.getByRole('region', { name: 'Entries' });
const entries = (page: Page) => log(page).locator('summary');
const period = (page: Page, name: string) =>
  page.getByRole('group', { name: 'Period' }).getByRole('button', { name });

async function openAudit(page: Page, query = '') {
  await page.goto(`/settings/audit${query}`);
  await expect(page.getByText('Loading the log…')).toBeHidden();
}

async function selectAction(page: Page, name: string) {
  await page.getByRole('button', { name: /^Action/ }).click();
  await page.getByRole('option', { name, exact: true }).click();
}

/** Tries to sign in with wrong passwords. */
async function guess({ url }: Server, times: number) {
  for (let i = 0; i < times; i++) {
    const wrong = { email: OWNER.email, password: `not the password ${i}` };
    await call(url, 'POST', '/api/sessions', wrong).catch(() => undefined);
  }
}

test('an entry says what changed, and gives the earlier values back', async ({ page, server }) => {
  await saveByProgram(server, OWNER, { maximumLifetime: { value: 30, unit: 'days' } });
  await signIn(page);
  await length(page).fill('12');
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await page.getByRole('link', { name: 'Audit log' }).click();
  await expect(page).toHaveTitle('Audit log · Account settings · Curfew');
  await expect(page.getByRole('heading', { name: /^Today/, level: 2 })).toBeVisible();

  await expect(entries(page)).toContainText([
    /Ana changed the session configuration\s+Session length\s+8 days\s+to\s+12 days/,
    'Ana signed in',
    /Session length\s+14 days\s+to\s+8 days\s*,\s*Maximum lifetime\s+none\s+to\s+30 days/,
    /Ana signed in\s+A program \(curl\) · /,
    'Ana set up the organization',
  ]);
  await entries(page).first().click();
  await expect(page.getByText(/^\d+ \w+ \d{4}, \d\d:\d\d:\d\d \w/)).toBeVisible();
  await expect(page.getByText('policy.saved', { exact: true })).toBeVisible();
  await expect(log(page).locator('code').last()).toHaveAttribute('title', /^[0-9a-f]{64}$/);
  await expect(page.getByRole('link', { name: 'Use the earlier values' })).toHaveAttribute(
    'href',
    '/settings/security?use=8d,refresh,30d',
  );
  await page.getByRole('link', { name: 'Only session configuration' }).click();
  await expect(page).toHaveURL('/settings/audit?action=policy.saved');
  await expect(entries(page)).toHaveCount(2);

  // The form has the values, and nothing is saved.
  await page.getByRole('link', { name: 'Use the earlier values' }).click();
  await expect(length(page)).toHaveValue('8');
  await openAudit(page, '?action=policy.saved');
  await expect(entries(page)).toHaveCount(2);
});

test('a hash is copied whole', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signIn(page);
  await openAudit(page);
  await page.getByRole('button', { name: 'Copy the last hash' }).click();
  await expect(page.getByRole('button', { name: 'Copied the last hash' })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^[0-9a-f]{64}$/);
});

test('the log is verified, and what does not fit is named until it fits', async ({ page }) => {
  await signIn(page);
  await openAudit(page);
  await expect(page.getByText('Log verified')).toBeVisible();
  await expect(page.getByText(/^2 entries,/)).toBeVisible();

  const chain = {
    entries: 6,
    intact: false,
    head: 'ab'.repeat(32),
    checkedAt: new Date().toISOString(),
    broken: { sequence: 7, reason: 'The entry was altered.' },
  };
  let release = () => {};
  await page.route('/api/audit/chain', (route) => route.fulfill({ json: chain }), { times: 1 });
  await page.getByRole('button', { name: 'Verify again' }).click();
  const alarm = page.getByRole('alert');
  await expect(alarm).toContainText('The log was altered at entry 7.');
  await expect(alarm).toContainText('The entry was altered. The 6 entries before it are whole.');

  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('/api/audit/chain', (route) => held.then(() => route.abort()), { times: 1 });
  await alarm.getByRole('button', { name: 'Verify again' }).click();
  await expect(alarm).toContainText('The log was altered at entry 7.');
  release();
  await expect(alarm).toContainText('The log was altered at entry 7.');
  await expect(alarm.getByRole('button', { name: 'Verify again' })).toHaveAttribute(
    'aria-busy',
    'false',
  );
  await alarm.getByRole('button', { name: 'Verify again' }).click();
  await expect(page.getByText('Log verified')).toBeVisible();
});

test('entries are selected by member, action and day, in the address', async ({ page, server }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  await signInByProgram(server, ben);
  await signIn(page);
  await openAudit(page);

  await page.getByRole('button', { name: 'Member', exact: true }).click();
  const member = page.getByRole('combobox', { name: 'Member' });
  await expect(member).toBeFocused();
  await member.fill('oka');
  await expect(page.getByRole('option')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\?member=/);
  await expect(page.getByRole('button', { name: 'Member: Ben Okafor' })).toBeFocused();
  await expect(entries(page)).toContainText([
    'Ben Okafor signed in',
    'Ben Okafor accepted the invitation',
    /Ana invited Ben Okafor\s+as a member/,
  ]);

  await selectAction(page, 'Invitations');
  await expect(entries(page)).toHaveCount(1);
  await page.reload();
  await expect(page.getByRole('button', { name: 'Action: Invitations' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Member: Ben Okafor' })).toBeVisible();
  await expect(entries(page)).toHaveCount(1);

  await period(page, 'Today').click();
  await expect(page).toHaveURL(/from=\d{4}-\d\d-\d\d/);
  await expect(period(page, 'Today')).toHaveAttribute('aria-pressed', 'true');
  await expect(entries(page)).toHaveCount(1);
  await expect(page.getByLabel('From')).toBeHidden();
  await period(page, 'All').click();
  await period(page, 'Dates…').click();
  await expect(page.getByLabel('From')).toBeFocused();
  await page.getByLabel('From').fill('2001-01-01');
  await expect(entries(page)).toHaveCount(1);
  await page.getByLabel('to', { exact: true }).fill('2001-12-31');
  await expect(page.getByText('Nothing matches.')).toBeVisible();
  await page.goBack();
  await expect(entries(page)).toHaveCount(1);
  await page.getByRole('search').getByRole('button', { name: 'Clear filters' }).click();
  await expect(page).toHaveURL('/settings/audit');
  await expect(page.getByLabel('From')).toBeHidden();
  await expect(period(page, 'All')).toHaveAttribute('aria-pressed', 'true');
  await expect(entries(page).filter({ hasText: 'Ana set up the organization' })).toBeVisible();

  await page.goto('/settings/audit?to=2001-12-31');
  await expect(page.getByLabel('to', { exact: true })).toHaveValue('2001-12-31');
});

test('the log is searched by words, by the keyboard', async ({ page, server }) => {
  await addMember(server, 'auditor', 'Jürgen Groß');
  await revokeAllByProgram(server, OWNER, 'Laptop stolen on the train');
  await signIn(page);
  await openAudit(page);
  await page.getByRole('heading', { name: 'Audit log' }).click();
  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox', { name: 'Search the log' })).toBeFocused();
  await page.keyboard.type('jurgen');
  await expect(entries(page)).toContainText([
    'Jürgen Groß accepted the invitation',
    'Ana invited Jürgen Groß',
  ]);
  await expect(page).toHaveURL('/settings/audit?q=jurgen');
  await page.getByRole('searchbox').fill('stolen TRAIN');
  await expect(entries(page)).toHaveText([
    /Ana revoked all sessions .*“Laptop stolen on the train”/,
  ]);
  await page.getByRole('searchbox').fill('stolen ship');
  await expect(page.getByText('Nothing matches.')).toBeVisible();
  await log(page).getByRole('button', { name: 'Clear filters' }).click();
  await expect(page.getByRole('searchbox')).toHaveValue('');
  await expect(entries(page).filter({ hasText: 'Ana set up the organization' })).toBeVisible();
});

test('a search of a long log asks on until something is found', async ({ page }) => {
  await signIn(page);
  await openAudit(page);
  let parts = 0;
  await page.route('/api/audit?q=*', (route) =>
    ++parts < 3
      ? route.fulfill({ json: { items: [], nextCursor: `part${parts}` } })
      : route.continue({
          url: route
            .request()
            .url()
            .replace(/&cursor=part2/, ''),
        }),
  );
  await page.getByRole('searchbox').fill('set up');
  await expect(entries(page)).toHaveText([/Ana set up the organization/]);
  expect(parts).toBe(3);
});

test('repeats and sign-ins are folded, and unfolded', async ({ page, server }) => {
  await guess(server, 4);
  for (const name of ['Ben Okafor', 'Chi Nguyen', 'Dee Park']) {
    await signInByProgram(server, await addMember(server, 'member', name));
  }
  await signIn(page);
  await openAudit(page);
  const refused = entries(page).filter({ hasText: 'Wrong password for Ana' });
  await expect(refused).toHaveText(/Wrong password for Ana\s+×4/);
  const signedIn = entries(page).filter({ hasText: 'members signed in' });
  await expect(signedIn).toHaveText(/4 members signed in\s+Ana, Dee Park, Chi Nguyen and 1 more/);

  await signedIn.focus();
  await page.keyboard.press('Enter');
  const chi = entries(page).filter({ hasText: 'Chi Nguyen signed in' }).first();
  await expect(chi).toHaveText(/A program \(curl\) · /);
  await refused.click();
  const each = entries(page).filter({ hasText: 'Wrong password for Ana' });
  await expect(each).toHaveCount(5);
  await each.last().click();
  await expect(page.getByText('session.refused', { exact: true })).toBeVisible();

  // A reader who selects sign-ins wants to see each.
  await selectAction(page, 'Sign-ins');
  await expect(entries(page).filter({ hasText: 'members signed in' })).toHaveCount(0);
  await expect(chi).toBeVisible();
});

test('the log is exported as it is filtered, unfolded', async ({ page, server }) => {
  await guess(server, 3);
  await signIn(page);
  await openAudit(page, '?q=wrong+password');
  await expect(entries(page)).toHaveText([/×3/]);
  for (const [name, file] of [
    ['CSV', 'audit.csv'],
    ['JSON Lines', 'audit.jsonl'],
  ] as const) {
    await page.getByRole('button', { name: 'Export' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: new RegExp(`^${name}`) }).click(),
    ]);
    expect(download.suggestedFilename()).toBe(file);
    const text = readFileSync(await download.path(), 'utf8');
    expect(text.match(/session\.refused/g)).toHaveLength(3);
    expect(text).not.toContain('session.started');
    await expect(page.getByRole('menu')).toBeHidden();
    await expect(page.getByRole('button', { name: 'Export' })).toBeFocused();
  }
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem').first()).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('menuitem').last()).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Export' })).toBeFocused();
});

test('on a phone, filters and the details of the check open by a button', async ({ page }) => {
  await page.setViewportSize({ width: 375, height: 812 });
  await signIn(page);
  await openAudit(page);
  await expect(page.getByText('Log verified')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Verify again' })).toBeHidden();
  await page.getByRole('button', { name: 'Details' }).click();
  await expect(page.getByRole('button', { name: 'Verify again' })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Action/ })).toBeHidden();
  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  await selectAction(page, 'Sign-ins');
  await expect(page.getByRole('button', { name: 'Filter (1)' })).toBeVisible();
  await expect(entries(page)).toHaveCount(1);
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
  await openAudit(page, '?action=session.started');
  await expect(entries(page)).toHaveCount(2);
  await page.getByRole('button', { name: 'Show more entries' }).click();
  await expect(entries(page)).toHaveCount(4);
  await expect(page.getByRole('button', { name: 'Show more entries' })).toBeHidden();
});

test('an auditor reads it, and an outage is said', async ({ page, server }) => {
  await signIn(page, await addMember(server, 'auditor', 'Chi Nguyen'));
  await page.route('/api/audit', (route) => route.abort(), { times: 1 });
  await page.goto('/settings/audit');
  await expect(page.getByRole('alert')).toContainText('Curfew cannot be reached');
  await expect(page.getByRole('search')).toBeVisible();
  await page.getByRole('button', { name: 'Retry' }).click();
  await expect(entries(page).first()).toContainText('Chi Nguyen');

  await saveByProgram(server);
  await openAudit(page, '?action=policy.saved');
  await entries(page).click();
  await expect(page.getByText('Exact time')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Use the earlier values' })).toBeHidden();
});
