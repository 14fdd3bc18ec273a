import type { Page } from '@playwright/test';
import { expect, save, signIn, test } from './journey';
import { png } from './png';
import { addMember, call, signInByProgram, type Server } from './server';
import { choose, openGeneral } from './states/general';

const LONG = 'Donaudampfschifffahrtsgesellschaftskapitänswitwenrentenauszahlungsstelle-Süd-Ost';
const name = (page: Page) => page.getByRole('textbox', { name: 'Organization name' });
const contact = (page: Page) => page.getByRole('textbox', { name: 'Help contact' });
const logo = (page: Page) => page.getByRole('region', { name: 'Logo' });
const before = (page: Page) => page.getByRole('region', { name: 'Before sign-in' });
const press = (page: Page, button: string) =>
  page.getByRole('button', { name: button, exact: true }).click();

async function saveByProgram(server: Server, body: object, who?: Parameters<typeof signIn>[1]) {
  const token = await signInByProgram(server, who);
  await call(server.url, 'PUT', '/api/settings/general', body, token);
}

test('the organization is renamed, and names a contact for help', async ({
  page,
  server,
  anotherBrowser,
}) => {
  const theirs = await anotherBrowser();
  await signIn(theirs, await addMember(server, 'auditor', 'Chi Nguyen'));
  const listening = theirs.waitForResponse('/api/events');
  await openGeneral(theirs);
  await listening;
  await signIn(page);
  await page.goto('/settings/security');
  await page.getByRole('link', { name: 'General' }).click();
  await expect(page.getByRole('heading', { name: 'General' })).toBeVisible();

  await save(page).click();
  await expect(page.getByText('No changes to save')).toBeVisible();
  await name(page).fill('x'.repeat(10_000));
  await save(page).click();
  await expect(name(page)).toHaveAccessibleDescription('Use at most 200 characters.');
  await expect(name(page)).toBeFocused();
  await contact(page).fill('Ana\u202e Lima');
  await name(page).fill(' Example & Töchter ');
  await save(page).click();
  await expect(contact(page)).toHaveAccessibleDescription(/Remove the invisible characters/);
  await expect(contact(page)).toBeFocused();
  await contact(page).fill('Ana Lima, room 12');
  await expect(before(page)).toContainText('Ana Lima, room 12');
  await contact(page).press('Enter');
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(page.getByRole('banner')).toContainText('Example & Töchter');
  await expect(theirs.getByRole('banner'), 'and elsewhere').toContainText('Example & Töchter');
  await expect(contact(theirs)).toHaveValue('Ana Lima, room 12');

  await page.goto('/settings/audit?action=organization.renamed');
  const entry = page.getByRole('listitem').filter({ hasText: 'renamed the organization' });
  await expect(entry).toContainText('Example & Töchter');
});

test('a logo is shown before it is saved, replaced and removed', async ({ page, server }) => {
  await signIn(page);
  await openGeneral(page);
  await expect(logo(page).getByRole('img', { name: 'No logo' })).toBeVisible();
  await choose(page, png(64, 64));
  await expect(logo(page).getByRole('img', { name: 'Logo' })).toHaveAttribute('src', /^data:/);
  await press(page, 'Cancel');
  await expect(logo(page).getByRole('img', { name: 'No logo' })).toBeVisible();

  await choose(page, png(64, 64));
  await press(page, 'Save logo');
  await expect(logo(page).getByText('Saved')).toBeVisible();
  const first = await logo(page).getByRole('img', { name: 'Logo' }).getAttribute('src');
  expect(first).toMatch(/^\/api\/logo\?v=/);
  const width = () =>
    logo(page)
      .getByRole('img')
      .evaluate((image: HTMLImageElement) => image.naturalWidth);
  await expect.poll(width).toBe(64);
  await choose(page, png(32, 32));
  await press(page, 'Save logo');
  await expect.poll(width).toBe(32);
  await expect(logo(page).getByRole('img')).not.toHaveAttribute('src', first ?? '');
  const { organization } = (await (await fetch(`${server.url}/api/setup`)).json()) as {
    organization: { logo: string };
  };
  await expect(logo(page).getByRole('img')).toHaveAttribute('src', organization.logo);

  await press(page, 'Remove logo');
  await expect(logo(page).getByText('Removed')).toBeVisible();
  await expect(logo(page).getByRole('img', { name: 'No logo' })).toBeVisible();
});

test('a file that is no logo is refused in words, and the logo stays', async ({ page }) => {
  await signIn(page);
  await openGeneral(page);
  await choose(page, png(16, 16));
  await press(page, 'Save logo');
  await expect(logo(page).getByText('Saved')).toBeVisible();

  const bytes = (buffer: Buffer) => ({ name: 'logo.png', mimeType: 'image/png', buffer });
  for (const [file, words] of [
    [bytes(Buffer.from('\xff\xd8\xff\xe0 JFIF', 'latin1')), 'This is not a PNG image.'],
    [bytes(png(64, 64).buffer.subarray(0, 60)), 'damaged or incomplete'],
    [png(16, 16, 30_000), 'This image has 30000 × 16 pixels. Use one of at most 512 × 512.'],
  ] as const) {
    await choose(page, file);
    await press(page, 'Save logo');
    await expect(logo(page).getByRole('alert')).toContainText(words);
    await press(page, 'Cancel');
    await expect(logo(page).getByRole('alert')).toHaveCount(0);
  }

  let sent = 0;
  await page.route('/api/settings/logo', (route) => (sent++, route.continue()));
  await choose(page, bytes(Buffer.alloc(10 << 20)));
  await expect(logo(page).getByRole('alert')).toContainText('This file has 10.0 MB.');
  await expect(page.getByRole('button', { name: 'Save logo' })).toHaveCount(0);
  expect(sent, 'nothing is sent').toBe(0);
  await expect(logo(page).getByRole('img')).toHaveAttribute('src', /^\/api\/logo/);
});

test('two admins in the form replace nothing unseen', async ({ page, server }) => {
  const bo = await addMember(server, 'admin', 'Bo Karlsson');
  await signIn(page);
  const listening = page.waitForResponse('/api/events');
  await openGeneral(page);
  await listening;
  await saveByProgram(server, { name: 'Theirs' }, bo);
  await expect(name(page), 'a form without changes follows').toHaveValue('Theirs');

  await contact(page).fill('Ana Lima');
  await saveByProgram(server, { name: 'Theirs again' }, bo);
  const notice = page.getByRole('alert');
  await expect(notice).toContainText('Another admin saved a change');
  await expect(notice).toContainText('Name: Theirs again');
  await expect(contact(page)).toHaveValue('Ana Lima');
  await press(page, 'Use theirs');
  await expect(name(page)).toHaveValue('Theirs again');
  await expect(contact(page)).toHaveValue('');

  // One that this page has not heard of when it saves.
  let unheard = true;
  await page.route('/api/settings/general', async (route) => {
    if (!unheard) return route.continue();
    if (route.request().method() !== 'PUT') return route.abort();
    unheard = false;
    await saveByProgram(server, { name: 'Unheard of' }, bo);
    return route.continue();
  });
  await name(page).fill('Ours');
  await save(page).click();
  await expect(notice).toContainText('Name: Unheard of');
  await expect(name(page)).toHaveValue('Ours');
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(page.getByRole('banner')).toContainText('Ours');
});

test('an auditor looks and changes nothing', async ({ page, server }) => {
  await signIn(page, await addMember(server, 'auditor', 'Chi Nguyen'));
  await openGeneral(page);
  await expect(page.getByText('You can look, not change.')).toBeVisible();
  await expect(name(page)).not.toBeEditable();
  await expect(contact(page)).not.toBeEditable();
  await expect(page.getByRole('main').getByRole('button')).toHaveCount(0);
});

test('an outage keeps what was typed, and the shell', async ({ page, server }) => {
  await signIn(page);
  await openGeneral(page);
  await contact(page).fill('Ana Lima');
  await server.stop();
  await save(page).click();
  await expect(page.getByRole('alert')).toContainText('Curfew cannot be reached');
  await expect(contact(page)).toHaveValue('Ana Lima');
  await server.start();
  await press(page, 'Retry');
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();

  await page.goto('/settings/security');
  await page.route('/api/settings/general', (route) => route.abort());
  await page.getByRole('link', { name: 'General' }).click();
  await expect(page.getByRole('alert')).toContainText('Curfew cannot be reached');
  await expect(page.getByRole('link', { name: 'Members' })).toBeVisible();
  await page.unroute('/api/settings/general');
  await press(page, 'Retry');
  await expect(contact(page)).toHaveValue('Ana Lima');
});

for (const width of [320, 1920]) {
  test(`long and foreign names fit, at ${width} px`, async ({ page, server }) => {
    await page.setViewportSize({ width, height: 800 });
    await saveByProgram(server, { name: LONG, helpContact: `${LONG} مرصد المثال` });
    await signIn(page);
    await openGeneral(page);
    await choose(page, png(512, 8));
    await expect(page.getByRole('button', { name: 'Save logo' })).toBeVisible();
    const overflow = () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.body.clientWidth);
    expect(await overflow()).toBeLessThanOrEqual(0);
  });
}

test('what was typed or chosen is not left behind by accident', async ({ page }) => {
  await signIn(page);
  await openGeneral(page);
  const members = page.getByRole('link', { name: 'Members' });
  const asking = page.getByRole('dialog', { name: 'Leave without saving?' });
  await contact(page).fill('Ana Lima');
  await members.click();
  await asking.getByRole('button', { name: 'Stay here' }).click();
  await expect(contact(page)).toHaveValue('Ana Lima');
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await choose(page, png(16, 16));
  await expect(page.getByRole('button', { name: 'Save logo' })).toBeVisible();
  await members.click();
  await asking.getByRole('button', { name: 'Leave and discard' }).click();
  await expect(page).toHaveURL('/settings/members');
});

test('people who are not signed in see name, logo and help contact', async ({
  page,
  server,
  anotherBrowser,
}) => {
  await saveByProgram(server, { name: 'Example & Töchter', helpContact: 'Ana Lima, room 12' });
  await signIn(page);
  await openGeneral(page);
  await choose(page, png(16, 16));
  await press(page, 'Save logo');
  await expect(logo(page).getByText('Saved')).toBeVisible();

  const stranger = await anotherBrowser();
  await stranger.goto('/sign-in');
  await expect(stranger.getByTitle('Example & Töchter')).toBeVisible();
  await expect(stranger.locator('img[src^="/api/logo"]')).toBeVisible();
  await stranger.getByRole('button', { name: 'Forgot password?' }).click();
  await expect(stranger.getByText('Ana Lima, room 12')).toBeVisible();
  await stranger.goto('/settings/nowhere');
  await expect(stranger.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  await expect(stranger.getByText('Example & Töchter', { exact: true })).toBeVisible();
  await stranger.getByRole('link', { name: 'Go to your home page' }).click();
  await expect(stranger).toHaveURL('/sign-in');
});
