import { expect, signIn, test } from './journey';
import { addMember, signInByProgram } from './server';

const sections = ['Overview', 'Security', 'Sessions', 'Members', 'Audit log', 'General'];

test('the sections are in reach, with how many there are of each', async ({ page, server }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  await signInByProgram(server, ben);
  await signIn(page);
  const nav = page.getByRole('navigation', { name: 'Curfew' });
  await expect(nav.getByRole('heading', { name: 'Account settings' })).toBeVisible();
  for (const name of sections) {
    await nav.getByRole('link', { name: new RegExp(`^${name}`) }).click();
    await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
    await expect(nav.locator('[aria-current]')).toHaveCount(1);
    await expect(nav.locator('[aria-current]')).toContainText(name);
  }
  await expect(nav.getByRole('link', { name: 'Members' })).toContainText('2');
  await expect(nav.getByRole('link', { name: 'Sessions' })).toContainText('2');

  // They follow what happens.
  await signInByProgram(server, ben);
  await expect(nav.getByRole('link', { name: 'Sessions' })).toContainText('3');
});

test('help and the API are one click away', async ({ page }) => {
  await signIn(page);
  for (const [name, path] of [
    ['Help', '/help'],
    ['API', '/api/docs'],
  ] as const) {
    await page.goto('/settings/security');
    await page.getByRole('link', { name, exact: true }).first().click();
    await expect(page).toHaveURL(path);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  }
});

test('a member without a role sees no sections', async ({ page, server }) => {
  await signIn(page, await addMember(server, 'member', 'Ben Okafor'));
  await expect(page.getByRole('navigation', { name: 'Curfew' })).toHaveCount(0);
  await expect(page.getByRole('link', { name: 'Your account' })).toHaveAttribute(
    'aria-current',
    'page',
  );
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await expect(page).toHaveURL('/account');
});

test('on a phone the current section is in sight', async ({ page }) => {
  await page.setViewportSize({ width: 375, height: 812 });
  await signIn(page);
  await page.goto('/settings/general');
  const current = page.locator('nav [aria-current]');
  await expect(current).toHaveText('General');
  await expect(current).toBeInViewport({ ratio: 0.9 });
  await page.goto('/settings/security');
  await expect(page.locator('nav [aria-current]')).toBeInViewport({ ratio: 0.9 });
});

test('keys lead to the sections and to the search, and can be switched off', async ({ page }) => {
  await signIn(page);
  const { keyboard } = page;
  for (const [letter, name] of [
    ['o', 'Overview'],
    ['e', 'Sessions'],
    ['l', 'Audit log'],
    ['s', 'Security'],
    ['g', 'General'],
    ['m', 'Members'],
  ] as const) {
    await keyboard.press('g');
    await keyboard.press(letter);
    await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  }
  await keyboard.press('/');
  const search = page.getByRole('searchbox');
  await expect(search).toBeFocused();
  await keyboard.type('gs?/');
  await expect(search, 'a field takes what is typed').toHaveValue('gs?/');
  await search.fill('');
  await search.blur();

  await keyboard.press('?');
  const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(dialog).toContainText('Audit log');
  await keyboard.press('g');
  await keyboard.press('s');
  await expect(page, 'a dialog keeps the keys').toHaveURL(/members/);
  await dialog.getByRole('checkbox', { name: 'Use shortcuts' }).uncheck();
  await keyboard.press('Escape');
  await expect(dialog).toBeHidden();

  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'Members' })).toBeVisible();
  for (const key of ['?', '/', 'g', 's']) await keyboard.press(key);
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('searchbox')).not.toBeFocused();
  await expect(page).toHaveURL(/members/);
});
