import type { Page } from '@playwright/test';
import { effect, expect, length, save, signIn, test } from './journey';

test.use({ demo: true });

test('the numbers of a preview are what saving then does', async ({ page, organization }) => {
  void organization;
  await signIn(page);
  const before = await figures(page);
  expect(before.sessions).toBeGreaterThan(1000);

  await length(page).fill('5');
  const sentence = effect(page).getByText(
    /^Saving signs out [\d,]+ sessions of \d+ members at once/,
  );
  const [sessions = 0, members = 0] = numbers(await sentence.innerText());
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

const numbers = (text: string) =>
  [...text.matchAll(/[\d,]+/g)].map(([n]) => Number(n.replaceAll(',', '')));
const thousands = (n: number) => new Intl.NumberFormat('en').format(n);

async function figures(page: Page): Promise<{ sessions: number }> {
  const answer = await page.request.get('/api/sessions/summary', {
    headers: { 'Curfew-Passive': 'true' },
  });
  return answer.json();
}
