import type { BrowserContext } from '@playwright/test';
import {
  expect,
  goOn,
  length,
  meaning,
  refresh,
  revokeAll,
  save,
  signIn,
  signInAgain,
  test,
  unit,
} from './journey';
import { invite, type Server } from './server';

test('an admin saves a policy, and signs everyone out for good', async ({
  page,
  context,
  server,
  anotherBrowser,
}) => {
  await signIn(page);
  const phone = await anotherBrowser();
  await signIn(phone);
  await length(phone).fill('12');
  await unit(phone).selectOption('hours');
  await refresh(phone).uncheck();
  await expect(meaning(phone)).toBeVisible();
  await expect(meaning(phone)).toHaveText(
    'People stay signed in for 12 hours, then sign in again.',
  );
  await save(phone).click();
  await expect(phone.getByText('Saved', { exact: true })).toBeVisible();
  await expect(phone.getByText('Last saved by Ana, just now')).toBeVisible();

  const cookies = [await cookiesOf(context), await cookiesOf(phone.context())].flat();
  expect(cookies.map(({ name }) => name).sort()).toEqual([ACCESS, ACCESS, REFRESH, REFRESH].sort());

  await revokeAll(page).click();
  const dialog = page.getByRole('dialog', { name: 'Sign everyone out?' });
  await expect(dialog.getByRole('definition')).toHaveText(['2', '1']);
  await dialog.getByLabel('Reason').fill('Laptop stolen');
  await revokeAll(dialog).click();

  await expect(page).toHaveURL('/sign-in');
  await expect(
    page.getByText(/^You signed everyone out at \d\d:\d\d: 2 sessions of 1 member ended\.$/),
  ).toBeVisible();
  expect(await cookiesOf(context)).toEqual([]);

  await expect(signInAgain(phone)).toContainText(
    /Ana revoked all sessions at \d\d:\d\d: Laptop stolen\./,
  );
  await expect(phone).toHaveURL('/settings/security');

  await expectRefused(server, cookies);
  await server.kill();
  await server.start();
  await expectRefused(server, cookies);

  await goOn(phone);
  await phone.reload();
  await expect(length(phone)).toHaveValue('12');
  await expect(unit(phone)).toHaveValue('hours');
  await expect(refresh(phone)).not.toBeChecked();
});

test('a revocation that got no answer can be asked for again', async ({ page, server }) => {
  await invite(server, 'member', 'Ben');
  await signIn(page);
  await revokeAll(page).click();
  const dialog = page.getByRole('dialog');
  await expect(revokeAll(dialog)).toBeEnabled();
  await expect(dialog.getByText('open link', { exact: true })).toBeVisible();
  await expect(dialog).toContainText(
    'you included. Open invitations and reset links stop working. This can’t be undone.',
  );

  const keys: (string | undefined)[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/revoke-all')) keys.push(request.headers()['idempotency-key']);
  });
  await server.stop();
  await revokeAll(dialog).click();
  await expect(dialog.getByText('Curfew cannot be reached')).toBeVisible();
  await server.start();
  await dialog.getByRole('button', { name: 'Retry' }).click();

  await expect(page.getByText(/^You signed everyone out/)).toBeVisible();
  expect(keys).toHaveLength(2);
  expect(keys[0]).toBeTruthy();
  expect(keys[1]).toBe(keys[0]);
});

test('asking is not doing', async ({ page }) => {
  await signIn(page);
  await revokeAll(page).click();
  await expect(page.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(revokeAll(page)).toBeFocused();
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Session configuration' })).toBeVisible();
});

const ACCESS = '__Host-curfew_access';
const REFRESH = '__Host-curfew_refresh';

interface Cookie {
  name: string;
  value: string;
}

async function cookiesOf(context: BrowserContext): Promise<Cookie[]> {
  return (await context.cookies()).filter(({ name }) => name === ACCESS || name === REFRESH);
}

/**
 * Presents what a thief would have kept: each access token for a page, each refresh token for a new
 * one.
 */
async function expectRefused(server: Server, cookies: Cookie[]) {
  for (const { name, value } of cookies) {
    const answer = await fetch(
      `${server.url}/api/${name === ACCESS ? 'session' : 'sessions/refresh'}`,
      { method: name === ACCESS ? 'GET' : 'POST', headers: { Cookie: `${name}=${value}` } },
    );
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: 'session_revoked' });
  }
}
