import type { BrowserContext, Page } from '@playwright/test';
import {
  expect,
  goOn,
  inForce,
  length,
  playExpiring,
  refresh,
  revokeAll,
  save,
  signIn,
  signInAgain,
  test,
  unit,
} from './journey';
import {
  addMember,
  deactivateByProgram,
  OWNER,
  revocationOf,
  revokeAllByProgram,
  saveByProgram,
  signInByProgram,
} from './server';

/** A page that listens to events, in this tab or in another. */
async function listening(page: Page, task: () => Promise<unknown>) {
  const stream = page.waitForResponse('/api/events');
  await task();
  expect((await stream).status()).toBe(200);
}

function countStreams(context: BrowserContext) {
  const streams: string[] = [];
  context.on('request', (request) => {
    if (request.url().endsWith('/api/events')) streams.push(request.url());
  });
  return streams;
}

test('a tab leaves within a second when an admin revokes the member', async ({ page, server }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  await listening(page, () => signIn(page, ben));
  const revoke = await revocationOf(server, ben.email);
  const said = signInAgain(page)
    .waitFor()
    .then(() => performance.now());

  const asked = performance.now();
  await revoke();
  const took = Math.round((await said) - asked);

  console.log(`the tab left after ${took} ms`);
  expect(took).toBeLessThan(1000);
  await expect(signInAgain(page)).toContainText(/Ana signed you out everywhere at \d\d:\d\d\./);
  await expect(page).toHaveURL('/account');
});

test('what was being typed outlives the session', async ({ page, server }) => {
  const ben = await addMember(server, 'admin', 'Ben Okafor');
  await listening(page, () => signIn(page));
  await length(page).fill('12');
  await refresh(page).focus();

  await revokeAllByProgram(server, ben, 'laptop stolen');
  const dialog = signInAgain(page);
  await expect(dialog).toContainText(
    /Ben Okafor revoked all sessions at \d\d:\d\d: laptop stolen\./,
  );
  await expect(dialog.getByText('This page and what you typed are kept.')).toBeVisible();
  await expect(dialog.getByText(OWNER.email)).toBeVisible();
  await expect(dialog.locator('form [autocomplete="username"]')).toHaveValue(OWNER.email);

  await dialog.getByLabel('Password').fill('not the password');
  await dialog.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(dialog.getByText('The password is wrong. Try again.')).toBeVisible();
  await goOn(page);

  await expect(length(page)).toHaveValue('12');
  await expect(refresh(page)).toBeFocused();
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await page.reload();
  await expect(length(page)).toHaveValue('12');
});

test('the page under the dialog is read anew after signing in again', async ({ page, server }) => {
  await listening(page, () => signIn(page));
  await page.getByRole('link', { name: 'Your account' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Ana Maria');
  await revokeAllByProgram(server);
  await goOn(page);
  await page.getByRole('heading', { name: 'Activity' }).click();
  const activity = page.getByRole('list', { name: 'Activity' });
  await expect(
    activity.getByRole('listitem').filter({ hasText: 'You revoked all sessions' }),
  ).toContainText('“Laptop stolen”');
  await expect(page.getByText('This device')).toHaveCount(1);
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Ana Maria');
});

test('the dialog stays, and everything in it can be done by key', async ({ page, server }) => {
  await listening(page, () => signIn(page));
  await length(page).fill('12');
  await revokeAllByProgram(server);
  const dialog = signInAgain(page);
  await expect(dialog.getByLabel('Password')).toBeFocused();
  const { keyboard } = page;
  for (let i = 0; i < 3; i++) await keyboard.press('Escape');
  await expect(dialog).toBeVisible();
  await expect(dialog.getByLabel('Password')).toBeFocused();

  for (const [name, key] of [
    ['Show', 'Tab'],
    ['Sign in', 'Tab'],
    ['Sign in with a passkey', 'Tab'],
    ['Sign in', 'Shift+Tab'],
    ['Show', 'Shift+Tab'],
    ['Password', 'Shift+Tab'],
    ['Not you?', 'Shift+Tab'],
    ['Password', 'Tab'],
  ] as const) {
    await keyboard.press(key);
    await expect(page.locator(':focus')).toHaveAccessibleName(name);
  }
  await keyboard.type(OWNER.password);
  await keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(length(page)).toBeFocused();
  await expect(length(page)).toHaveValue('12');
});

test('another person signs in at the sign-in page, which says why', async ({ page, server }) => {
  await listening(page, () => signIn(page));
  await revokeAllByProgram(server);
  await signInAgain(page).getByRole('link', { name: 'Not you?' }).click();
  await expect(page).toHaveURL('/sign-in?next=%2Fsettings%2Fsecurity');
  await expect(page.getByText(/^Ana revoked all sessions at .* Sign in again\.$/)).toBeVisible();
});

test('a refusal opens the same dialog where no event came', async ({ page, server }) => {
  await page.route('/api/events', (route) => route.abort());
  await signIn(page);
  // Nor does the page learn of it by asking.
  await page.route('/api/session', (route) =>
    route.request().headers()['curfew-passive'] ? route.abort() : route.continue(),
  );
  await length(page).fill('12');
  await expect(page.getByText('Signs no one out at once')).toBeVisible();
  await revokeAllByProgram(server);
  await save(page).click();
  await expect(signInAgain(page)).toContainText(/Ana revoked all sessions at/);
  await page.unroute('/api/session');
  await goOn(page);
  await expect(length(page)).toHaveValue('12');
});

test('a member who was deactivated is not led to believe that signing in helps', async ({
  page,
  server,
}) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  await listening(page, () => signIn(page, ben));
  await deactivateByProgram(server, ben.email);
  const dialog = page.getByRole('dialog', { name: 'You are signed out' });
  await expect(dialog).toContainText('You cannot sign in any more. Ask an owner or an admin.');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeVisible();
  await dialog.getByRole('link', { name: 'Sign in as another person' }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await expect(page.getByText(/^Your account was deactivated at/)).toBeVisible();
});

test('two tabs share one stream, and behave as one', async ({ page, context, server }) => {
  const streams = countStreams(context);
  await listening(page, () => signIn(page));
  const second = await context.newPage();
  await second.goto('/settings/security');
  await length(second).fill('12');
  expect(streams).toHaveLength(1);

  await revokeAllByProgram(server);
  for (const tab of [page, second]) {
    await expect(signInAgain(tab)).toContainText(/Ana revoked all sessions at/);
  }
  await goOn(second);
  await expect(signInAgain(page)).toBeHidden();
  await expect(length(second)).toHaveValue('12');
  await expect.poll(() => streams.length).toBe(2);

  // The one that listens is closed, and the other one takes over.
  await listening(second, () => page.close());
  expect(streams).toHaveLength(3);
  await revokeAllByProgram(server);
  await expect(signInAgain(second)).toBeVisible();
});

test('signing out in one tab is said in the others', async ({ page, context }) => {
  await listening(page, () => signIn(page));
  const second = await context.newPage();
  await second.goto('/settings/security');
  await length(second).waitFor();

  for (const [leaves, stays] of [
    [second, page],
    [page, second],
  ] as const) {
    await leaves.getByRole('button', { name: 'Sign out' }).click();
    await expect(leaves).toHaveURL('/sign-in');
    await expect(leaves.getByText('You signed out.')).toBeVisible();
    await expect(signInAgain(stays)).toContainText(/You signed out at \d\d:\d\d\./);
    await signIn(leaves);
    // Signing in at the sign-in page of one tab is the other's sign-in too.
    await expect(signInAgain(stays)).toBeHidden();
  }
});

test('a refusal that comes after the leaving leads nowhere', async ({ page, server }) => {
  await listening(page, () => signIn(page));
  let letGo = () => {};
  const left = new Promise<void>((resolve) => (letGo = resolve));
  await page.route('/api/sessions/summary*', (route) => left.then(() => route.continue()));
  const asked = page.waitForRequest('/api/sessions/summary*');
  await signInByProgram(server);
  await asked;

  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL('/sign-in');
  const refused = page.waitForResponse('/api/sessions/summary*');
  letGo();
  expect((await refused).status()).toBe(401);
  await page.getByLabel('Email').fill('ana@example.org');
  await expect(page).toHaveURL('/sign-in');
  await expect(page.getByText('You signed out.')).toBeVisible();
});

test('when somebody else signs in with the same browser, the page says so', async ({
  page,
  context,
  server,
}) => {
  const ben = await addMember(server, 'admin', 'Ben Okafor');
  await signIn(page);
  await length(page).fill('12');
  const second = await context.newPage();
  await signIn(second, ben);
  const dialog = page.getByRole('dialog', { name: 'Another person signed in' });
  await expect(dialog).toContainText('Ben Okafor signed in with this browser.');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeVisible();
  page.on('dialog', (warning) => warning.accept());
  await dialog.getByRole('button', { name: 'Continue as Ben Okafor' }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText('Ben Okafor', { exact: true })).toBeVisible();
});

test("another admin's save shows at once, and takes no draft away", async ({ page, server }) => {
  const ben = await addMember(server, 'admin', 'Ben Okafor');
  await listening(page, () => signIn(page));
  const news = page.getByText(/^Ben Okafor saved a change at \d\d:\d\d: 8 days, refresh on\.$/);
  await saveByProgram(server, ben);
  await expect(length(page)).toHaveValue('8');
  await expect(news).toBeVisible();
  await expect(page.getByText('Last saved by Ben Okafor, just now')).toBeVisible();

  const previews: (string | undefined)[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/preview')) previews.push(request.headers()['curfew-passive']);
  });
  await length(page).fill('5');
  await expect(news).toBeHidden();
  await expect(page.getByText('Signs no one out at once')).toBeVisible();
  await saveByProgram(server, ben, { refreshAutomatically: false });
  await expect(page.getByText(/^Ben Okafor saved a change at \d\d:\d\d$/)).toBeVisible();
  await expect(page.getByText('In force now: 8 days, refresh off.')).toBeVisible();
  await expect(page.getByText('You were about to save: 5 days, refresh on.')).toBeVisible();
  await expect(length(page)).toHaveValue('5');
  // Typing the draft was an access. Comparing it again is none.
  await expect.poll(() => previews.length).toBeGreaterThan(1);
  expect(previews.filter((passive) => passive !== 'true')).toEqual([undefined]);

  await page.getByRole('button', { name: 'Use theirs' }).click();
  await expect(length(page)).toHaveValue('8');
  await expect(refresh(page)).not.toBeChecked();
});

test('who is signed in is counted as it changes', async ({ page, server, anotherBrowser }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  await listening(page, () => signIn(page));
  await expect(inForce(page)).toContainText('1 session Of 1 member.');
  const asked: (string | undefined)[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/preview')) asked.push(request.headers()['curfew-passive']);
  });
  const phone = await anotherBrowser();
  await signIn(phone, ben);
  await expect(inForce(page)).toContainText('2 sessions Of 2 members.');
  expect(new Set(asked)).toEqual(new Set(['true']));
});

test('an end that comes near is said, and an access moves it', async ({ page }) => {
  await listening(page, () => signIn(page));
  await length(page).fill('12');
  await expect(page.getByText('Signs no one out at once')).toBeVisible();
  await playExpiring(page, 200);
  await expect(page.getByRole('status').getByText('Your session ends in 4 minutes.')).toBeVisible();

  await page.getByRole('button', { name: 'Stay signed in' }).click();
  await expect(page.getByText(/^Your session ends in/)).toBeHidden();
  await expect(page.getByRole('status').getByText('You stay signed in.')).toBeAttached();
  await expect(page.getByRole('main')).toBeFocused();
  await expect(length(page)).toHaveValue('12');
});

test('the last minute interrupts', async ({ page }) => {
  await listening(page, () => signIn(page));
  await playExpiring(page, 50);
  await expect(page.getByRole('alert')).toHaveText('Your session ends in less than a minute.');
});

test('an end that no access moves is met by signing in ahead of time', async ({ page, server }) => {
  await saveByProgram(server, OWNER, { refreshAutomatically: false });
  await listening(page, () => signIn(page));
  await length(page).fill('12');
  await expect(page.getByText('Signs no one out at once')).toBeVisible();
  await playExpiring(page, 230);
  await expect(page.getByRole('status').getByText('Your session ends in 4 minutes.')).toBeVisible();

  const ahead = page.getByRole('button', { name: 'Sign in again now' });
  await ahead.click();
  await expect(signInAgain(page)).toContainText('This starts a new session.');
  await page.keyboard.press('Escape');
  await expect(signInAgain(page)).toBeHidden();
  await expect(ahead).toBeFocused();

  await ahead.click();
  const sessions = page.waitForRequest(
    (request) => request.method() === 'POST' && request.url().endsWith('/api/sessions'),
  );
  await goOn(page);
  await sessions;
  await expect(ahead).toBeHidden();
  await expect(length(page)).toHaveValue('12');
  await expect(page.getByText(/was revoked|were signed out/)).toHaveCount(0);
});

test('a server that goes and comes back is listened to again, and nobody is signed out', async ({
  page,
  server,
}) => {
  await listening(page, () => signIn(page));
  await length(page).fill('12');
  await server.kill();
  await expect(page.getByText('Who is signed in now is not known at this moment.')).toBeHidden();

  await listening(page, () => server.start());
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(length(page)).toHaveValue('12');
  await saveByProgram(server);
  await expect(page.getByText(/^You saved a change elsewhere at \d\d:\d\d$/)).toBeVisible();
});

test('a save that was missed during an outage is found afterwards', async ({ page, server }) => {
  await listening(page, () => signIn(page));
  await page.route('/api/events', (route) => route.abort());
  await server.kill();
  await server.start();
  await saveByProgram(server);
  await expect(length(page)).toHaveValue('14');
  await page.unroute('/api/events');
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await expect(length(page)).toHaveValue('8');
});

test('an expired token does not silence the tab', async ({ page, server }) => {
  await page.route(
    '/api/events',
    (route) =>
      route.fulfill({
        status: 401,
        contentType: 'application/problem+json',
        json: {
          type: '',
          title: '',
          status: 401,
          detail: '',
          code: 'token_expired',
          requestId: '',
        },
      }),
    { times: 1 },
  );
  const stream = page.waitForResponse((answer) => answer.url().endsWith('/events') && answer.ok());
  await signIn(page);
  await stream;
  await saveByProgram(server);
  await expect(length(page)).toHaveValue('8');
});

test('revoking everybody from here ends at the sign-in page, not in the dialog', async ({
  page,
}) => {
  await listening(page, () => signIn(page));
  await unit(page).focus();
  await revokeAll(page).click();
  await revokeAll(page.getByRole('dialog')).click();
  await expect(page).toHaveURL('/sign-in');
  await expect(page.getByText(/^You signed everyone out at/)).toBeVisible();
  await expect(page.getByRole('dialog')).toBeHidden();
});
