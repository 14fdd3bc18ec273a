import type { Locator, Page } from '@playwright/test';
import { expect, length, revokeAll, save, signIn, test } from './journey';
import { addMember, signInByProgram } from './server';

/**
 * A practised person by the keystroke-level model of Card, Moran and Newell: seconds for a key, for
 * pointing and clicking, and for deciding what to do next.
 */
class Person {
  static readonly #KEY = 0.28;
  static readonly #CLICK = 1.3;
  static readonly #DECIDE = 1.35;

  seconds = 0;

  constructor(readonly page: Page) {}

  decide() {
    this.seconds += Person.#DECIDE;
  }

  async click(on: Locator) {
    this.seconds += Person.#CLICK;
    await on.click();
  }

  async press(key: string) {
    this.seconds += Person.#KEY;
    await this.page.keyboard.press(key);
  }

  /** Types where the focus is. */
  async type(text: string) {
    this.seconds += Person.#KEY * text.length;
    await this.page.keyboard.type(text);
  }
}

const within = (person: Person, limit: number) =>
  expect(person.seconds, 'seconds by the keystroke-level model').toBeLessThanOrEqual(limit);

test.describe('before there is an organization', () => {
  test.use({ data: 'none' });

  test('from set-up to a first policy takes 30 seconds', async ({ page, server }) => {
    const ana = new Person(page);
    await page.goto(`/setup#token=${server.setupToken}`);
    await expect(page.getByLabel('Organization')).toBeFocused();
    for (const text of ['Observatory', 'Ana Lima', 'ana@example.org', 'dusk over the town']) {
      ana.decide();
      await ana.type(text);
      await ana.press(text === 'dusk over the town' ? 'Enter' : 'Tab');
    }
    await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
    ana.decide();
    await ana.click(page.getByRole('link', { name: 'Security', exact: true }));
    ana.decide();
    await ana.click(page.getByRole('button', { name: /^Office day/ }));
    await ana.click(save(page));
    await expect(page.getByText('Saved', { exact: true })).toBeVisible();
    within(ana, 30);
  });
});

test('everyone is out within 5 seconds', async ({ page }) => {
  await signIn(page);
  await expect(length(page)).toBeVisible();
  const ana = new Person(page);
  ana.decide();
  await ana.click(revokeAll(page));
  await ana.click(revokeAll(page.getByRole('dialog')));
  await expect(page.getByText(/^You signed everyone out/)).toBeVisible();
  within(ana, 5);
});

test('one laptop is out within 8 seconds', async ({ page, server }) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  await signInByProgram(server, ben, LAPTOP);
  await signInByProgram(server, ben, PHONE);
  await signIn(page);
  const ana = new Person(page);
  ana.decide();
  await ana.press('g');
  await ana.press('e');
  await expect(page.getByRole('heading', { level: 1, name: 'Sessions' })).toBeVisible();
  await ana.press('/');
  await ana.type('ben');
  await expect(page.getByRole('button', { name: /^Revoke .* of / })).toHaveCount(2);
  const revoke = page.getByRole('button', { name: /^Revoke Chrome on Linux of Ben Okafor/ });
  ana.decide();
  await ana.click(revoke);
  await ana.click(page.getByRole('dialog').getByRole('button', { name: /^Revoke/ }));
  await expect(revoke).toHaveCount(0);
  within(ana, 8);
});

test('who changed the policy, and from what, is found within 5 seconds', async ({ page }) => {
  await signIn(page);
  await length(page).fill('9');
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  const ana = new Person(page);
  ana.decide();
  await ana.click(page.getByRole('link', { name: 'History' }));
  const entry = page.getByRole('main').getByRole('listitem').first();
  await expect(entry).toContainText(/Ana .*Session length.*14 days.*9 days/);
  within(ana, 5);
});

test('an invitation is sent and accepted within 35 seconds', async ({ page, anotherBrowser }) => {
  await signIn(page);
  await page.goto('/settings/members');
  const ana = new Person(page);
  ana.decide();
  await ana.click(page.getByRole('button', { name: 'Invite', exact: true }));
  ana.decide();
  await ana.type('kim@example.org');
  await ana.press('Enter');
  const link = page.getByRole('dialog').getByLabel('Link');
  await expect(link).toHaveValue(/token=/);
  ana.decide();
  await ana.click(page.getByRole('button', { name: 'Copy' }));

  const kim = new Person(await anotherBrowser());
  kim.decide();
  await kim.page.goto(await link.inputValue());
  await kim.page.getByRole('heading', { level: 1 }).waitFor();
  kim.decide();
  await kim.click(kim.page.getByLabel('Your name'));
  await kim.type('Kim Tan');
  await kim.press('Tab');
  kim.decide();
  await kim.type('dusk over the town');
  await kim.press('Enter');
  await expect(kim.page.getByText(/You're in, Kim/)).toBeVisible();
  ana.seconds += kim.seconds;
  within(ana, 35);
});

const LAPTOP = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36';
const PHONE =
  'Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36';
