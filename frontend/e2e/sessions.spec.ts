import { readFile } from 'node:fs/promises';
import type { Locator, Page } from '@playwright/test';
import { expect, length, save, signIn, test } from './journey';
import { addMember, signInByProgram } from './server';

const row = (page: Page, of: string | RegExp) => page.getByRole('row').filter({ hasText: of });
const status = (page: Page) => page.getByRole('status');
const search = (page: Page) => page.getByRole('searchbox');
const revoke = (within: Locator) => within.getByRole('button', { name: /^Revoke/ });

async function openSessions(page: Page, query = '') {
  await page.goto(`/settings/sessions${query}`);
  await expect(status(page).filter({ hasText: /^\d+ (sessions?|of \d+)$/ })).toBeVisible();
}

const figure = (page: Page, name: string) =>
  page.getByRole('group', { name: 'Figures' }).locator('.stat').filter({ hasText: name });

/** Chooses from the menu of a filter, and returns what it offered. */
async function choose(page: Page, filter: string, option: string) {
  await page.getByRole('search').getByRole('button', { name: filter }).click();
  const list = page.getByRole('listbox', { name: filter });
  await list.getByRole('option', { name: option }).click();
}

/** Lets the server hand out short pages. */
async function shortenPages(page: Page, limit: number) {
  await page.route('/api/sessions?*', (route) => {
    const url = new URL(route.request().url());
    if (!url.searchParams.has('limit')) url.searchParams.set('limit', String(limit));
    return route.continue({ url: url.href });
  });
}

test('every session is listed, counted and found', async ({ page, server }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  await signInByProgram(server, ben);
  await signInByProgram(server, ben);
  await signIn(page);
  await page.getByRole('link', { name: 'Sessions', exact: true }).click();
  await expect(page).toHaveTitle('Sessions · Account settings · Curfew');
  await expect(status(page).getByText('3 sessions', { exact: true })).toBeVisible();
  await expect(row(page, 'Ben Okafor')).toHaveCount(2);
  await expect(row(page, 'You').getByRole('link')).toHaveAttribute('title', 'Ana, ana@example.org');
  await expect(figure(page, 'Signed in now')).toContainText('3');
  await expect(figure(page, 'Members signed in')).toContainText('2');

  await search(page).fill('okafor curl');
  await expect(page).toHaveURL('/settings/sessions?q=okafor+curl');
  await expect(status(page).getByText('2 sessions', { exact: true })).toBeVisible();
  await choose(page, 'Device', 'Computer');
  await expect(page).toHaveURL('/settings/sessions?q=okafor+curl&device=desktop');
  await expect(page.getByText('Nothing matches.')).toBeVisible();

  await page.reload();
  await expect(search(page)).toHaveValue('okafor curl');
  await expect(page.getByRole('button', { name: 'Device: Computer' })).toBeVisible();
  await expect(page.getByText('Nothing matches.')).toBeVisible();

  await page.goBack();
  await expect(row(page, 'Ben Okafor')).toHaveCount(2);
  await page.goBack();
  await expect(search(page)).toHaveValue('');
  await expect(status(page).getByText('3 sessions', { exact: true })).toBeVisible();

  await search(page).fill('nobody at all');
  await expect(page.getByText('Nothing matches.')).toBeVisible();
  await page.getByRole('button', { name: 'Clear filters' }).last().click();
  await expect(row(page, 'Ben Okafor')).toHaveCount(2);
  await expect(page).toHaveURL('/settings/sessions');
});

test('what is being typed is not overtaken by its own search', async ({ page }) => {
  await signIn(page);
  await openSessions(page);
  await search(page).pressSequentially('an example org', { delay: 90 });
  await expect(search(page)).toHaveValue('an example org');
  await expect(page).toHaveURL('/settings/sessions?q=an+example+org');
  await page.goBack();
  await expect(page).toHaveURL('/settings/sessions');
  await expect(search(page)).toHaveValue('');
});

test('the list is sorted by its heads and shown page by page', async ({ page, server }) => {
  for (const name of ['Ben Okafor', 'Chi Nguyen', 'Dee Sato']) {
    await signInByProgram(server, await addMember(server, 'member', name));
  }
  await signIn(page);
  await shortenPages(page, 3);
  await openSessions(page);
  const names = page.locator('tbody th a.name bdi');
  const member = page.getByRole('columnheader', { name: 'Member' });

  await member.getByRole('button').click();
  await expect(page).toHaveURL('/settings/sessions?sort=member&order=asc');
  await expect(member).toHaveAttribute('aria-sort', 'ascending');
  await expect(names).toHaveText(['Ana', 'Ben Okafor', 'Chi Nguyen']);
  await expect(status(page).getByText('3 of 4', { exact: true })).toBeVisible();

  await row(page, 'Chi Nguyen').getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Show more sessions' }).click();
  await expect(names).toHaveText(['Ana', 'Ben Okafor', 'Chi Nguyen', 'Dee Sato']);
  await expect(row(page, 'Chi Nguyen').getByRole('checkbox')).toBeChecked();
  await expect(page.getByRole('button', { name: 'Show more sessions' })).toBeHidden();
  await expect(status(page).getByText('4 sessions', { exact: true })).toBeFocused();

  await member.getByRole('button').click();
  await expect(member).toHaveAttribute('aria-sort', 'descending');
  await expect(names).toHaveText(['Dee Sato', 'Chi Nguyen', 'Ben Okafor']);

  await page.setViewportSize({ width: 375, height: 800 });
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByLabel('Sort by').selectOption('Member, A to Z');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await expect(names).toHaveText(['Ana', 'Ben Okafor', 'Chi Nguyen']);
});

test('of sessions that look alike, each name and the question say which', async ({
  page,
  server,
}) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  for (let i = 0; i < 3; i++) await signInByProgram(server, ben);
  await signIn(page);
  await openSessions(page);
  const names = await row(page, 'Ben Okafor')
    .getByRole('button')
    .evaluateAll((buttons) => buttons.map((button) => button.getAttribute('aria-label')));
  expect(names).toHaveLength(3);
  expect(new Set(names).size).toBe(3);
  const moment = String.raw`\d+ \w+ \d{4}, \d\d:\d\d:\d\d`;
  for (const name of names) {
    expect(name).toMatch(/^Revoke A program \(curl\) of Ben Okafor, last seen just now, /);
    expect(name).toMatch(new RegExp(`, signed in ${moment}, last seen ${moment}`));
    await expect(
      page.getByRole('checkbox', { name: name?.replace('Revoke', 'Select') ?? '', exact: true }),
    ).toBeVisible();
  }

  await page.getByRole('button', { name: names[1] ?? '', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Revoke this session?' });
  await expect(dialog).toHaveAccessibleDescription(ben.email);
  const told = dialog.getByRole('definition');
  await expect(told).toHaveText([
    /^(127\.0\.0\.1|::1)$/,
    new RegExp(`^${moment} \\(just now\\)$`),
    new RegExp(`^${moment} \\(just now\\)$`),
  ]);
  await expect(dialog).toContainText('Ben Okafor, A program (curl)');
  await expect(dialog).toContainText('2 other sessions of this member stay.');
});

test('one session is revoked, and then several', async ({ page, server }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  const chi = await addMember(server, 'member', 'Chi Nguyen');
  const tokens = [];
  for (const who of [ben, ben, ben, chi]) tokens.push(await signInByProgram(server, who));
  await signIn(page);
  await openSessions(page);

  await revoke(row(page, 'Chi Nguyen')).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('This signs Chi Nguyen out on this device at once.')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await revoke(dialog).click();
  await expect(status(page).getByText('1 session was revoked.')).toBeVisible();
  await expect(row(page, 'Chi Nguyen')).toHaveCount(0);
  await expect(page.locator('tbody tr:focus')).toHaveCount(1);

  for (const i of [0, 1]) await row(page, 'Ben Okafor').nth(i).getByRole('checkbox').check();
  await expect(status(page).getByText('2 sessions selected of 1 member')).toBeVisible();
  await page.getByRole('button', { name: 'Revoke 2 sessions' }).click();
  await expect(dialog.getByText('This ends 2 sessions of 1 member at once.')).toBeVisible();
  await revoke(dialog).click();
  await expect(status(page).getByText('2 sessions were revoked.')).toBeVisible();
  await expect(status(page).getByText('2 sessions', { exact: true })).toBeVisible();
  await expect(row(page, 'Ben Okafor')).toHaveCount(1);

  const answers = await Promise.all(
    tokens.map((token) =>
      fetch(`${server.url}/api/session`, { headers: { Authorization: `Bearer ${token}` } }),
    ),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
});

test('all sessions of a member are revoked', async ({ page, server }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  for (let i = 0; i < 2; i++) await signInByProgram(server, ben);
  await signIn(page);
  await openSessions(page);
  await page.getByRole('link', { name: 'Ben Okafor' }).first().click();
  await expect(page).toHaveURL(/\?member=/);
  await expect(row(page, 'Ben Okafor')).toHaveCount(2);
  await expect(row(page, 'You')).toHaveCount(0);

  await page.getByRole('button', { name: 'Sign this person out everywhere' }).click();
  const dialog = page.getByRole('dialog', { name: 'Revoke all sessions of Ben Okafor?' });
  await expect(dialog.getByText('This ends 2 sessions of Ben Okafor at once.')).toBeVisible();
  await revoke(dialog).click();
  await expect(status(page).getByText('2 sessions were revoked.')).toBeVisible();
  await expect(page.getByText('Nothing matches.')).toBeVisible();
  await page.getByRole('button', { name: 'Show sessions of all members' }).click();
  await expect(row(page, 'You')).toBeVisible();
});

test('all sessions that match are revoked, shown or not', async ({ page, server }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  for (let i = 0; i < 4; i++) await signInByProgram(server, ben);
  await signIn(page);
  await shortenPages(page, 2);
  await openSessions(page, '?q=okafor');
  await row(page, 'Ben Okafor').first().getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Select all 4' }).click();
  await expect(status(page).getByText('All 4 that match')).toBeVisible();
  await expect(page.getByRole('checkbox', { name: 'Select all sessions shown' })).toBeChecked();

  // One that is left out takes the rest back to what is shown.
  await row(page, 'Ben Okafor').nth(1).getByRole('checkbox').uncheck();
  await expect(status(page).getByText('1 session selected')).toBeVisible();
  await page.getByRole('button', { name: 'Select all 4' }).click();

  await page.getByRole('button', { name: 'Revoke 4 sessions' }).click();
  const dialog = page.getByRole('dialog', { name: 'Revoke 4 sessions?' });
  await expect(dialog.getByText('This ends all 4 sessions that match at once.')).toBeVisible();
  // So many more sign in meanwhile that it is not what was confirmed.
  for (let i = 0; i < 6; i++) await signInByProgram(server, ben);
  await revoke(dialog).click();
  const again = page.getByRole('dialog', { name: 'Revoke 10 sessions?' });
  await expect(again.getByRole('alert')).toContainText('10 sessions match now, but 4 were');
  await revoke(again).click();
  await expect(status(page).getByText('10 sessions were revoked.')).toBeVisible();
  await expect(page.getByText('Nothing matches.')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Selected sessions' })).toHaveCount(0);
});

test('one’s own session among all that match is said', async ({ page, server }) => {
  await signInByProgram(server);
  await signIn(page);
  await openSessions(page);
  await row(page, 'You').getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Select all 2' }).click();
  await page.getByRole('button', { name: 'Revoke 2 sessions' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText(/^This ends all 2 .* The one you are using/)).toBeVisible();
  await revoke(dialog).click();
  await expect(page.getByText('You revoked your own session. Sign in again.')).toBeVisible();
});

test('the list can be worked with the keyboard alone', async ({ page, server }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  const chi = await addMember(server, 'member', 'Chi Nguyen');
  for (const who of [ben, ben, chi]) await signInByProgram(server, who);
  await signIn(page);
  await openSessions(page, '?sort=member&order=asc');
  const { keyboard } = page;
  const focused = page.locator('tbody tr:focus');
  const selected = (n: number) => expect(page.locator('tbody tr.selected')).toHaveCount(n);

  await keyboard.press('j');
  await expect(focused).toContainText('Ana');
  await keyboard.press('j');
  await keyboard.press('x');
  await selected(1);
  await keyboard.press('ArrowDown');
  await expect(focused).toContainText('Ben Okafor');
  await keyboard.press('ArrowDown');
  await expect(focused).toContainText('Chi Nguyen');
  await keyboard.press('Shift+Space');
  await selected(3);
  await keyboard.press('Escape');
  await selected(0);
  await expect(focused).toContainText('Chi Nguyen');

  // The table is one stop, and Tab goes on inside the row.
  await keyboard.press('Tab');
  await expect(page.locator(':focus')).toHaveAccessibleName(/^Select A program \(curl\) of Chi/);
  await keyboard.press('Tab');
  await keyboard.press('Tab');
  await expect(page.locator(':focus')).toHaveAccessibleName(/^Revoke A program \(curl\) of Chi/);
  await keyboard.press('Tab');
  await expect(page.locator('tbody :focus')).toHaveCount(0);
  await keyboard.press('Shift+Tab');
  await keyboard.press('k');
  await keyboard.press('j');

  await keyboard.press('Delete');
  await expect(page.getByRole('dialog')).toContainText('Chi Nguyen');
  await expect(page.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(focused).toContainText('Chi Nguyen');
  await keyboard.press('Delete');
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  await expect(status(page).getByText('1 session was revoked.')).toBeVisible();
  await expect(focused).toContainText('Ben Okafor');

  await keyboard.press('Enter');
  await expect(page).toHaveURL(/member=/);
  await keyboard.press('/');
  await expect(search(page)).toBeFocused();
  await keyboard.type('jx');
  await expect(search(page)).toHaveValue('jx');
});

test('the menus of filters count what each choice leaves', async ({ page, server }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  for (let i = 0; i < 2; i++) await signInByProgram(server, ben);
  await signIn(page);
  await openSessions(page, '?q=okafor');
  await page.getByRole('search').getByRole('button', { name: 'Device' }).click();
  const options = page.getByRole('listbox', { name: 'Device' }).getByRole('option');
  await expect(options).toHaveText([
    'Any',
    /Computer\s*0/,
    /Phone\s*0/,
    /Tablet\s*0/,
    /Program\s*2/,
    /Bot\s*0/,
  ]);
  await page.keyboard.press('p');
  await page.keyboard.press('p');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/settings/sessions?q=okafor&device=program');
  await choose(page, 'Ends', 'Within the hour');
  await expect(page.getByText('Nothing matches.')).toBeVisible();
  await page.getByRole('search').getByRole('button', { name: 'Clear filters' }).click();
  await expect(search(page)).toBeFocused();
  await expect(row(page, 'Ben Okafor')).toHaveCount(2);
});

test('the list is exported as it is filtered', async ({ page, server }) => {
  await signInByProgram(server, await addMember(server, 'member', 'Ben Okafor'));
  await signIn(page);
  await openSessions(page, '?q=okafor');
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Export CSV' }).click(),
  ]);
  expect(file.suggestedFilename()).toBe('sessions.csv');
  const lines = (await readFile(await file.path(), 'utf8')).trim().split('\r\n');
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain('Ben Okafor');
});

test('revoking the session at hand says so, and ends at the sign-in page', async ({
  page,
  server,
}) => {
  await signInByProgram(server);
  await signIn(page);
  await openSessions(page);
  await page.getByRole('checkbox', { name: 'Select all sessions shown' }).check();
  await page.getByRole('button', { name: 'Revoke 2 sessions' }).click();
  const dialog = page.getByRole('dialog');
  await expect(
    dialog.getByText(/^This ends 2 sessions of 1 member at once\. The one/),
  ).toBeVisible();
  await revoke(dialog).click();
  await expect(page).toHaveURL('/sign-in');
  await expect(page.getByText('You revoked your own session. Sign in again.')).toBeVisible();
});

test('an auditor sees everything and no controls', async ({ page, server }) => {
  const chi = await addMember(server, 'auditor', 'Chi Nguyen');
  await signInByProgram(server);
  await signIn(page, chi);
  await openSessions(page);
  await expect(row(page, 'Ana')).toHaveCount(1);
  await expect(page.getByText('You can look, not change.')).toBeVisible();
  await expect(page.getByRole('checkbox')).toHaveCount(0);
  await expect(page.getByRole('button', { name: /Revoke/ })).toHaveCount(0);
});

// ASVS 3.2.2
test('people are shown as they call themselves, whatever that is', async ({ page, server }) => {
  const names = ['<b>Bobby</b>', 'ليلى الحسن', 'Zoë 🙂 \u200fgnp.exe', 'x'.repeat(200)];
  for (const [i, name] of names.entries()) {
    const member = await addMember(server, 'member', `Somebody ${i}`);
    const token = await signInByProgram(server, member);
    const session = await fetch(`${server.url}/api/session`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    const { member: found } = (await session.json()) as { member: { id: string } };
    const owner = await signInByProgram(server);
    await fetch(`${server.url}/api/members/${found.id}`, {
      method: 'PATCH',
      headers: { Authorization: `Bearer ${owner}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ name }),
    });
  }
  await signIn(page);
  await openSessions(page, '?sort=member');
  for (const name of names) {
    await expect(
      page.locator('tbody th a.name bdi').getByText(name, { exact: true }),
    ).toBeVisible();
  }
  await revoke(row(page, 'ليلى')).click();
  await expect(page.getByRole('dialog')).toContainText('\u2068ليلى الحسن\u2069');
  await page.keyboard.press('Escape');
  for (const width of [1280, 320]) {
    await page.setViewportSize({ width, height: 800 });
    await expect
      .poll(() => page.evaluate(() => document.documentElement.scrollWidth))
      .toBeLessThanOrEqual(width);
  }
});

test('what happens meanwhile is told, and moves nothing by itself', async ({ page, server }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  await signIn(page);
  await openSessions(page);
  await signInByProgram(server, ben);
  await expect(status(page).getByText('2 now')).toBeVisible();
  await expect(figure(page, 'Signed in now')).toContainText('2');
  await expect(row(page, 'Ben Okafor')).toHaveCount(0);
  await page.getByRole('button', { name: 'Refresh' }).click();
  await expect(row(page, 'Ben Okafor')).toHaveCount(1);
  await expect(status(page).getByText('2 now')).toBeHidden();
});

for (const days of [-3, 3]) {
  test(`times are the server's, where the browser is ${days} days off`, async ({ page }) => {
    await page.clock.install({ time: Date.now() + days * 86_400_000 });
    await signIn(page);
    await length(page).fill('13');
    await save(page).click();
    await expect(page.getByText('Last saved by Ana, just now')).toBeVisible();
    await openSessions(page);
    await expect(row(page, 'Ana').locator('time')).toHaveText([
      'just now',
      'just now',
      'in 13 days',
    ]);
    await choose(page, 'Signed in', 'Today');
    await expect(row(page, 'Ana')).toHaveCount(1);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page).toHaveURL('/sign-in');
  });
}

test('an outage while filtering is said by the list, and the filter stays', async ({
  page,
  server,
}) => {
  await signInByProgram(server);
  await signIn(page);
  for (const [path, filter] of [
    ['sessions', () => search(page).fill('firefox')],
    ['sessions', () => page.getByRole('columnheader').getByText('Member').click()],
    ['members', () => page.getByRole('searchbox').fill('ana')],
    ['audit', () => search(page).fill('ana')],
  ] as const) {
    await page.goto(`/settings/${path}`);
    await expect(page.getByText(/^(\d|Log verified)/).first()).toBeVisible();
    await page.route('/api/**', (route) => route.abort());
    await filter();
    await expect(page.getByRole('alert')).toContainText('Curfew cannot be reached');
    await expect(page.getByRole('navigation', { name: 'Curfew' })).toBeVisible();
    await expect(page.getByRole('search')).toBeVisible();
    await expect(page).toHaveURL(/\?/);
    await page.unroute('/api/**');
    await page.getByRole('button', { name: 'Retry' }).click();
    await expect(page.getByRole('alert')).toHaveCount(0);
  }
});

test('a filter asks for its list and for nothing else', async ({ page, server }) => {
  await signInByProgram(server);
  await signIn(page);
  await page.goto('/settings/sessions');
  await expect(status(page).getByText('2 sessions', { exact: true })).toBeVisible();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await search(page).fill('curl');
  await expect(status(page).getByText('1 session', { exact: true })).toBeVisible();
  await page.getByRole('columnheader').getByText('Member').click();
  await expect(page).toHaveURL(/sort=member/);
  await expect(page.getByRole('columnheader', { name: 'Member' })).toHaveAttribute('aria-sort');
  expect([...new Set(asked)]).toEqual(['/api/sessions']);
});

test('an outage is said, and asked again', async ({ page }) => {
  await signIn(page);
  await page.route('/api/sessions?*', (route) => route.abort(), { times: 1 });
  await page.goto('/settings/sessions');
  await expect(page.getByRole('alert')).toContainText('Curfew cannot be reached');
  await page.getByRole('button', { name: 'Retry' }).click();
  await expect(row(page, 'You')).toBeVisible();
});

test('a filter that the address gets wrong is none', async ({ page }) => {
  await signIn(page);
  await openSessions(page, '?device=toaster&signed=constructor&sort=shoes&order=up');
  await expect(row(page, 'You')).toBeVisible();
});
