import type { Page } from '@playwright/test';
import { expect, sendSignIn, signIn, test } from './journey';
import { call, OWNER, signInByProgram } from './server';

test('a wrong password keeps the address', async ({ page }) => {
  await page.goto('/sign-in');
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();

  await expect(page.getByRole('alert')).toContainText('wrong');
  await expect(page.getByLabel('Email')).toHaveValue(OWNER.email);
  await expect(page.getByLabel('Password')).toHaveValue('');
});

test('without a session, signing in leads back to where one was going', async ({ page }) => {
  await page.goto('/settings/security?from=mail');
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page).toHaveURL('/settings/security?from=mail');
});

// ASVS 3.7.2
test('nobody is led to another site', async ({ page }) => {
  await page.goto('/sign-in?next=//example.org');
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page).toHaveURL('/overview');
});

// ASVS 6.2.6
test('the password can be shown', async ({ page }) => {
  await page.goto('/sign-in');
  await page.getByLabel('Password').fill('secret');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await expect(page.getByLabel('Password')).toHaveAttribute('type', 'text');
  await page.getByRole('button', { name: 'Hide', exact: true }).click();
  await expect(page.getByLabel('Password')).toHaveAttribute('type', 'password');
});

// ASVS 6.2.7
test('password managers are told what is what, and pasting is welcome', async ({ page }) => {
  await page.goto('/sign-in');
  const [email, password] = [page.getByLabel('Email'), page.getByLabel('Password')];
  await expect(email).toBeFocused();
  await expect(email).toHaveAttribute('autocomplete', 'username webauthn');
  await expect(password).toHaveAttribute('autocomplete', 'current-password');
  await email.fill(OWNER.password);
  await email.press('ControlOrMeta+a');
  await email.press('ControlOrMeta+c');
  await password.press('ControlOrMeta+v');
  await expect(password).toHaveValue(OWNER.password);
  await email.fill(OWNER.email);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('link', { name: 'Your account' }).click();
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByLabel('Current password')).toHaveAttribute(
    'autocomplete',
    'current-password',
  );
  await expect(page.getByLabel('New password')).toHaveAttribute('autocomplete', 'new-password');
});

test('the page says whose it is, and who helps with a forgotten password', async ({
  page,
  server,
}) => {
  await page.goto('/sign-in');
  await expect(page).toHaveTitle('Sign in · Example Observatory');
  await expect(page.getByText('to Example Observatory')).toBeVisible();
  const forgotten = page.getByRole('button', { name: 'Forgot password?' });
  await expect(forgotten).toHaveAttribute('aria-expanded', 'false');
  await forgotten.click();
  await expect(page.getByText('Ask an owner or an admin for a new password link.')).toBeVisible();

  const token = await signInByProgram(server);
  const general = { name: 'Example Observatory', helpContact: 'Ana Lima, room 12' };
  await call(server.url, 'PUT', '/api/settings/general', general, token);
  await page.reload();
  await forgotten.click();
  await expect(page.getByText('Ask an admin: Ana Lima, room 12')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Help' })).toHaveAttribute('href', '/help');
});

// The name is a courtesy: neither an outage nor a slow answer keeps anyone from the form.
test('the form is there without an answer about the organization', async ({ page }) => {
  await page.route('/api/setup', async (route) => {
    await new Promise((over) => setTimeout(over, 3_000));
    await route.abort().catch(() => {});
  });
  await page.goto('/sign-in');
  await expect(page.getByLabel('Email')).toBeVisible({ timeout: 2_500 });
  await expect(page).toHaveTitle('Sign in · Curfew');
});

test('phones do not load the picture', async ({ page }) => {
  const pictures: string[] = [];
  page.on('request', (request) => /dusk.*svg/.test(request.url()) && pictures.push(request.url()));
  await page.setViewportSize({ width: 375, height: 812 });
  await page.goto('/sign-in');
  await expect(page.getByLabel('Email')).toBeFocused();
  expect(pictures).toEqual([]);
  await page.setViewportSize({ width: 1280, height: 800 });
  await expect.poll(() => pictures.length).toBe(1);
});

// ASVS 7.4.4
test('signing out is in plain sight on every page', async ({ page }) => {
  await signIn(page);
  for (const path of ['security', 'members', 'sessions', 'audit'].map((p) => `/settings/${p}`)) {
    await page.goto(path);
    await expectSignOut(page);
  }
  await page.goto('/account');
  await expectSignOut(page);
});

async function expectSignOut(page: Page) {
  for (const width of [320, 1280]) {
    await page.setViewportSize({ width, height: 640 });
    await expect(page.getByRole('button', { name: 'Sign out' })).toBeInViewport({ ratio: 1 });
  }
}

test('too many attempts are told when to try again', async ({ page }) => {
  await page.route('/api/sessions', (route) =>
    route.fulfill({
      status: 429,
      contentType: 'application/problem+json',
      headers: { 'Retry-After': '30' },
      json: {
        type: '/api/docs#too_many_attempts',
        title: 'Too Many Requests',
        status: 429,
        detail: 'Too many attempts.',
        code: 'too_many_attempts',
        requestId: 'r1',
      },
    }),
  );
  await page.goto('/sign-in');
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('Try again in 30 seconds.');
});

test('signing out says so, and closes the door', async ({ page }) => {
  await signIn(page);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByText('You signed out.')).toBeVisible();
  await page.goto('/settings/security');
  await expect(page).toHaveURL('/sign-in?next=%2Fsettings%2Fsecurity');
});

// ASVS 14.3.3
test('the browser stores nothing of what is shown and typed', async ({ page }) => {
  await sendSignIn(page);
  await expect(page).toHaveURL('/overview');
  for (const path of ['/settings/members', '/settings/sessions', '/settings/audit', '/account']) {
    await page.goto(path);
    await expect(page.getByRole('main')).toContainText(/./);
  }
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByLabel('New password').fill(OWNER.password);
  await page.reload(); // the framework writes when a page is left
  const stored = await page.evaluate(async () => ({
    local: { ...localStorage },
    session: { ...sessionStorage },
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
    cookies: document.cookie,
  }));
  const scrolled: unknown = expect.stringMatching(/^\{("\d+":\{"x":\d+,"y":\d+\},?)*\}$/);
  expect(stored).toEqual({
    local: {},
    session: { 'sveltekit:scroll': scrolled, 'sveltekit:snapshot': '{}' },
    databases: [],
    caches: [],
    cookies: '',
  });
});

test('an expired access token is refreshed unseen', async ({ page }) => {
  await signIn(page);
  // Access tokens outlive a test, so the server's verdict on one is played once.
  await page.route(
    '/api/session',
    (route) =>
      route.fulfill({
        status: 401,
        contentType: 'application/problem+json',
        json: {
          type: '/api/docs#token_expired',
          title: 'Unauthorized',
          status: 401,
          detail: 'The access token has run out.',
          code: 'token_expired',
          requestId: 'r1',
        },
      }),
    { times: 1 },
  );
  const refreshed = page.waitForResponse('/api/sessions/refresh');
  await page.reload();
  expect((await refreshed).status()).toBe(200);
  await expect(page.getByRole('heading', { name: 'Session configuration' })).toBeVisible();
});

// What the page for operators states that a browser has to be able to do, taken away one by one.
//
// ASVS 3.1.1, 3.7.5
test('a browser that lacks something is told what', async ({ browser, page, server }) => {
  const instead = (text: string, on: Page) => expect(on.getByText(text)).toBeVisible();

  const scriptless = await browser.newContext({ baseURL: server.url, javaScriptEnabled: false });
  const still = await scriptless.newPage();
  await still.goto('/sign-in');
  await expect(still.locator('noscript > *')).toBeVisible();
  await expect(still.locator('noscript > *')).toContainText('Curfew needs JavaScript.');
  await scriptless.close();

  // A browser that is too old runs none of the scripts. It is said after ten seconds, which are not
  // waited for.
  const old = await browser.newContext({ baseURL: server.url });
  const aged = await old.newPage();
  await aged.route('/_app/**/*.js', (route) => route.abort());
  await aged.goto('/sign-in');
  await expect(aged.getByText('Still loading.')).toHaveCount(1);
  await expect(aged.getByText('Still loading.')).toBeHidden();
  await aged.evaluate(() => document.getAnimations().forEach((each) => each.finish()));
  await instead('Your browser may be too old', aged);
  await old.close();

  // The server answers pages at no address that is neither safe nor its own, but a proxy in front
  // may take http as well.
  const open = await browser.newContext({ baseURL: server.url });
  const plain = await open.newPage();
  await plain.addInitScript(() =>
    Object.defineProperty(window, 'isSecureContext', { value: false }),
  );
  await plain.goto('/sign-in');
  await instead('This connection is not secure', plain);
  await open.close();

  await page.addInitScript(() =>
    Object.defineProperty(navigator, 'cookieEnabled', { value: false }),
  );
  await page.goto('/sign-in');
  await instead('Cookies are switched off', page);
  await expect(page.getByText('Still loading.'), 'the page has come').toBeHidden();

  // Safari, on localhost too. It drops cookies silently.
  const strict = await browser.newContext({ baseURL: server.url });
  const safari = await strict.newPage();
  await safari.addInitScript(() => {
    let kept = '';
    Object.defineProperty(document, 'cookie', {
      get: () => kept,
      set: (cookie: string) => void (/; Secure\b/.test(cookie) || (kept = cookie)),
    });
  });
  await safari.goto('/sign-in');
  await instead('This browser keeps no session here', safari);
  await strict.close();
});
