import {
  test as base,
  expect,
  type BrowserContext,
  type Locator,
  type Page,
} from '@playwright/test';
import { OWNER, Server, type Data } from './server';

export { expect };

interface Fixtures {
  /** What the server finds at its start. */
  data: Data;
  server: Server;
  /** Another browser, of the same person or of another. */
  anotherBrowser: () => Promise<Page>;
}

/**
 * Every journey has its own server, and fails on any console error and on any request to another
 * origin.
 */
export const test = base.extend<Fixtures>({
  data: ['organization', { option: true }],
  server: async ({ data }, use) => {
    const server = await Server.startWith(data);
    await use(server);
    await server.dispose();
  },
  baseURL: async ({ server }, use) => use(server.url),
  context: async ({ context, server }, use) => {
    const complaints = listen(context, server.url);
    await use(context);
    expect(complaints, 'console errors and foreign requests').toEqual([]);
  },
  page: async ({ page }, use) => {
    await use(page);
    // What a test changes on its way may be under way when it ends.
    await page.unrouteAll({ behavior: 'ignoreErrors' }).catch((error: unknown) => {
      if (!String(error).includes('has been closed')) throw error; // by the journey itself
    });
  },
  anotherBrowser: async ({ browser, server }, use) => {
    const contexts: BrowserContext[] = [];
    const complaints: string[][] = [];
    await use(async () => {
      const context = await browser.newContext({ baseURL: server.url });
      contexts.push(context);
      complaints.push(listen(context, server.url));
      return context.newPage();
    });
    await Promise.all(contexts.map((context) => context.close()));
    expect(complaints.flat(), 'console errors and foreign requests').toEqual([]);
  },
});

function listen(context: BrowserContext, origin: string): string[] {
  const complaints: string[] = [];
  context.on('request', (request) => {
    if (!request.url().startsWith(origin)) complaints.push(`request to ${request.url()}`);
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('console', (message) => {
    // The browser reports each refused or lost request of the API, and a page that is not there.
    const { url } = message.location();
    const isSaid =
      message.text().startsWith('Failed to load resource') &&
      (url.startsWith(`${origin}/api/`) || url === message.page()?.url());
    if (message.type() === 'error' && !isSaid) complaints.push(message.text());
  });
  return complaints;
}

/** Signs in at the page, as the owner unless told otherwise, and waits for nothing. */
export async function sendSignIn(
  page: Page,
  { email, password }: { email: string; password: string } = OWNER,
) {
  await page.goto('/sign-in');
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/**
 * Signs in, as the owner unless told otherwise. A plain member arrives at their account, any other
 * at the session configuration. The API is asked for it, which gives the browser the same cookies
 * as the page's form gets, in half the time.
 */
export async function signIn(page: Page, { email, password } = OWNER) {
  const answer = await page.request.post('/api/sessions', { data: { email, password } });
  expect(answer.status(), 'signed in').toBe(201);
  const { member } = await answer.json();
  await page.goto(member.role === 'member' ? '/account' : '/settings/security');
  await expect(
    page.getByRole('heading', { name: /^(Session configuration|Your account)$/ }),
  ).toBeVisible();
}

/**
 * An authenticator in software, as a laptop with a fingerprint reader has one. It answers at once,
 * so the browser offers it nowhere by itself unless told to.
 */
export async function plugIn(page: Page, { suggested = false } = {}) {
  await page.addInitScript(
    (available) =>
      (PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(available)),
    suggested,
  );
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    verifies: (isUserVerified: boolean) =>
      cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
  };
}

/** Adds a passkey on the page of the account. */
export async function addPasskey(page: Page) {
  await page.getByRole('button', { name: 'Add a passkey', exact: true }).click();
  const adding = page.getByRole('dialog', { name: 'Add a passkey' });
  await adding.getByLabel('Name of the device').fill('Laptop');
  await adding.getByRole('button', { name: 'Add a passkey' }).click();
  await expect(page.getByText('Laptop signs you in from now on.')).toBeVisible();
}

export const length = (page: Page) => page.getByRole('textbox', { name: 'Session length' });
export const unit = (page: Page) => page.getByRole('combobox', { name: 'Session length unit' });
export const limited = (page: Page) =>
  page.getByRole('checkbox', { name: 'Set a maximum lifetime' });
export const maximum = (page: Page) => page.getByRole('textbox', { name: 'Maximum lifetime' });
export const maximumUnit = (page: Page) =>
  page.getByRole('combobox', { name: 'Maximum lifetime unit' });
/** What saving would do. */
export const effect = (page: Page) => page.getByRole('region', { name: 'If you save' });
export const inForce = (page: Page) => page.getByRole('region', { name: 'In force now' });
export const refresh = (page: Page) =>
  page.getByRole('checkbox', { name: 'Refresh sessions automatically' });
/** What the form means, as it is seen. It is read aloud once the typing rests. */
export const meaning = (page: Page) => page.locator('.meaning .sentence');
export const meaningAloud = (page: Page) => page.locator('.meaning [aria-live]');
export const save = (page: Page) => page.getByRole('button', { name: 'Save', exact: true });
export const signInAgain = (page: Page) => page.getByRole('dialog', { name: 'Sign in again' });
export const revokeAll = (within: Page | Locator) =>
  within.getByRole('button', { name: 'Revoke all sessions' });

/** Saves a much shorter length that might sign people out, so the number is typed again. */
export async function saveMuchShorter(page: Page) {
  const number = await length(page).inputValue();
  await save(page).click();
  const dialog = page.getByRole('dialog', { name: /^Shorten sessions from/ });
  await dialog.getByLabel('To confirm, type').fill(number);
  await dialog.getByRole('button', { name: /^Save / }).click();
}

/** Signs in in the dialog that lies over the page. */
export async function goOn(page: Page, { password } = OWNER) {
  await signInAgain(page).getByLabel('Password').fill(password);
  await signInAgain(page).getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(signInAgain(page)).toBeHidden();
}

/**
 * A session that is about to end cannot be had without waiting, so what the server says in the
 * background of the time left is changed on its way, until an access of the person moves the end.
 */
export async function playExpiring(page: Page, seconds: number) {
  let stays = false;
  await page.route('/api/**', async (route) => {
    const request = route.request();
    if (request.url().endsWith('/events')) return route.continue();
    stays ||= request.headers()['curfew-passive'] === undefined;
    if (stays) return route.continue();
    const response = await route.fetch();
    const headers = { ...response.headers(), 'curfew-session-expires-in': String(seconds) };
    return route.fulfill({ response, headers });
  });
  // A page that was offline connects again, and reads the session.
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await page.getByText(/^Your session ends in /).waitFor();
}

/**
 * A session that proved itself long ago cannot be had by waiting, so the server's refusal is played
 * once.
 */
export async function requireProofOnce(
  page: Page,
  method = 'PUT',
  path = '/api/settings/security',
) {
  await page.route(
    path,
    (route) =>
      route.request().method() === method
        ? route.fulfill({
            status: 403,
            contentType: 'application/problem+json',
            json: {
              type: '/api/docs#reauthentication_required',
              title: 'Forbidden',
              status: 403,
              detail: 'This asks for a fresh proof of identity.',
              code: 'reauthentication_required',
              requestId: 'r1',
            },
          })
        : route.continue(),
    { times: 1 },
  );
}

/**
 * Sessions that are old enough to be signed out cannot be had without waiting, so the server's
 * numbers are changed on their way.
 */
export async function playEffect(page: Page, atOnce: number, yours = false) {
  await page.route('/api/settings/security/preview', async (route) => {
    const response = await route.fetch();
    const real = await response.json();
    const live = { sessions: 12, members: 5 };
    const remaining = real.remaining.map((point: object, i: number, { length }: unknown[]) => {
      const rest = 1 - i / (length - 1);
      return {
        ...point,
        before: Math.round(live.sessions * Math.sqrt(rest)),
        after: Math.round((live.sessions - atOnce) * Math.max(0, 1 - (3 * i) / (length - 1))),
      };
    });
    const count = (sessions: number) => ({ sessions, members: Math.min(4, sessions) });
    await route.fulfill({
      response,
      json: {
        ...real,
        live,
        yours,
        remaining,
        named: ['Nandini Iyer', 'Jürgen Groß', 'Kavya Rao']
          .slice(0, count(atOnce).members)
          .map((name) => ({ id: name, name })),
        atOnce: count(atOnce),
        withinHour: count(Math.min(12, atOnce + 1)),
        withinDay: count(Math.min(12, atOnce + 3)),
      },
    });
  });
}

export async function refuseSettings(page: Page) {
  await page.route('/api/settings/security', (route) =>
    route.fulfill({
      status: 403,
      contentType: 'application/problem+json',
      json: {
        type: '/api/docs#forbidden',
        title: 'Forbidden',
        status: 403,
        detail: 'Your role does not allow this. Ask an owner or an admin.',
        code: 'forbidden',
        requestId: 'r1',
      },
    }),
  );
}
