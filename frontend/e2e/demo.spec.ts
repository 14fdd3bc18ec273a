import type { Page } from '@playwright/test';
import { effect, expect, length, save, signIn, test } from './journey';

test.use({ data: 'demo' });

test('the numbers of a preview are what saving then does', async ({ page }) => {
  await signIn(page);
  const before = await figures(page);
  expect(before.sessions).toBeGreaterThan(1000);

  await length(page).fill('5');
  const count = effect(page).getByText(/^[\d,]+ sessions end$/);
  const whose = effect(page).getByText(/^At once, of \d+ members\./);
  const [sessions = 0] = numbers(await count.innerText());
  const [members = 0] = numbers((await whose.innerText()).replace(',', ''));
  expect(sessions).toBeGreaterThan(100);
  expect(members).toBeGreaterThan(10);
  await expect(save(page)).toHaveAccessibleDescription(
    new RegExp(`Signs out ${thousands(sessions)} sessions`),
  );
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();

  // The sweep closes their rows within seconds.
  await expect.poll(async () => (await figures(page)).sessions).toBe(before.sessions - sessions);
});

// The server takes 200. Two pages of 101 are more, and no more than that: a long table is slow to
// search again and again.
test('more sessions are revoked at once than the server takes at a time', async ({ page }) => {
  await page.route('/api/sessions?*', (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set('limit', '101');
    return route.continue({ url: url.href });
  });
  await signIn(page);
  const before = await figures(page);

  // Those that were not seen for longest come first, so one's own is not among them.
  await page.goto('/settings/sessions?sort=lastSeen&order=asc');
  const more = page.getByRole('button', { name: 'Show more sessions' });
  const shown = (n: number) =>
    expect(
      page.getByRole('status').filter({ hasText: new RegExp(`^${n} of [\\d,]+`) }),
    ).toBeVisible();
  await shown(101);
  await more.click();
  await shown(202);
  await page.getByRole('checkbox', { name: 'Select all sessions shown' }).check();
  await page.getByRole('button', { name: 'Revoke 202 sessions' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText(/^This ends 202 sessions of \d+ members at once\.$/)).toBeVisible();
  await dialog.getByRole('button', { name: /^Revoke/ }).click();
  await expect(page.getByRole('status').getByText('202 sessions were revoked.')).toBeVisible();
  expect((await figures(page)).sessions).toBe(before.sessions - 202);
});

test('the number of a preview leads to the sessions that would end', async ({ page }) => {
  await signIn(page);
  const preview = await page.request.post('/api/settings/security/preview', {
    data: {
      sessionLength: { value: 3, unit: 'days' },
      refreshAutomatically: true,
      maximumLifetime: { value: 30, unit: 'days' },
    },
    headers: { Origin: new URL(page.url()).origin },
  });
  const { sessions } = (await preview.json()).atOnce;
  expect(sessions).toBeGreaterThan(100);
  await page.goto('/settings/sessions?endsUnder=3d,refresh,30d');
  await expect(page.getByRole('status').getByText(`50 of ${thousands(sessions)}`)).toBeVisible();
  await expect(page.getByRole('search')).toContainText('Would end now: 3 days');
  await page.getByRole('button', { name: 'Show sessions that would stay too' }).click();
  await expect(page).toHaveURL('/settings/sessions');
});

const numbers = (text: string) =>
  [...text.matchAll(/[\d,]+/g)].map(([n]) => Number(n.replaceAll(',', '')));
const thousands = (n: number) => new Intl.NumberFormat('en').format(n);

async function figures(page: Page): Promise<{ sessions: number }> {
  const answer = await page.request.get('/api/sessions/summary', {
    headers: { 'Curfew-Passive': 'true' },
  });
  return answer.json();
}
