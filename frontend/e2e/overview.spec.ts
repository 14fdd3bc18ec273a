import type { Page } from '@playwright/test';
import { expect, signIn, test } from './journey';
import { addMember, call, invite, saveByProgram, signInByProgram } from './server';
import { openOverview, playMonth } from './states/overview';

const attention = (page: Page) => page.getByRole('region', { name: 'Needs attention' });
const setUp = (page: Page) => page.getByRole('region', { name: 'Set up' });
const signedIn = (page: Page) => page.getByRole('region', { name: 'Signed in now' });
const changes = (page: Page) => page.getByRole('region', { name: 'Recent changes' });
const figure = (page: Page, term: string) =>
  signedIn(page).locator('dl > div').filter({ hasText: term }).getByRole('definition');

test.describe('after a month', () => {
  test.use({ data: 'demo' });

  test('says who is signed in, what happened, and what needs attention', async ({ page }) => {
    await signIn(page);
    await openOverview(page);
    const answer = await page.request.get('/api/sessions/summary');
    const { sessions, members } = await answer.json();
    await expect(figure(page, 'Signed in now')).toHaveText(sessions.toLocaleString('en'));
    await expect(figure(page, 'Members, of 186')).toHaveText(String(members));

    const chart = signedIn(page).getByRole('img');
    await expect(chart).toHaveAccessibleName(/^Signed-in sessions over 30 days: \d+ on /);
    await expect(chart).toHaveAccessibleName(/everyone signed out, /);
    await expect(chart).toHaveAccessibleName(/session length 14 → 7 days, /);
    await expect(chart.getByText('everyone signed out', { exact: true })).toBeVisible();
    await page.getByRole('button', { name: 'Sign-ins' }).press('Enter');
    await expect(chart).toHaveAccessibleName(/sign-ins over 30 days, most on /);

    await expect(attention(page).getByText('Last backup 32 days ago')).toBeVisible();
    await expect(changes(page).getByRole('listitem')).toHaveCount(5);
    await attention(page)
      .getByRole('link', { name: /^See who: \d+ without/ })
      .click();
    await expect(page).toHaveURL('/settings/members?secondFactor=none&state=active');
  });
});

test('a new organization is led through its set-up', async ({ page, server }) => {
  await signIn(page);
  await openOverview(page);
  await expect(setUp(page).getByText('0 of 5 done')).toBeVisible();
  await expect(attention(page)).toBeHidden();
  await expect(signedIn(page).getByText('Counted from today on.')).toBeVisible();
  await expect(signedIn(page).getByText('You active just now')).toBeVisible();

  await invite(server, 'owner', 'Ben Okafor');
  await saveByProgram(server);
  await page.reload();
  await expect(setUp(page).getByText('2 of 5 done')).toBeVisible();
  const step = setUp(page).getByRole('listitem').filter({ hasText: 'Invite a second owner' });
  await expect(step).toContainText('done');
  await expect(changes(page)).toContainText('You invited Ben Okafor');

  await setUp(page).getByRole('button', { name: 'Hide this list' }).click();
  await expect(setUp(page)).toBeHidden();
  await expect(attention(page).getByText('You are the only owner')).toBeVisible();
  await page.goto('/settings/audit?action=overview.dismissed');
  await expect(page.getByText(/dismissed a hint/).first()).toBeVisible();
});

test('a hint that an admin hides is hidden from everyone', async ({
  page,
  server,
  anotherBrowser,
}) => {
  const token = await signInByProgram(server);
  await call(server.url, 'POST', '/api/overview/dismiss', { kind: 'set_up' }, token);
  const theirs = await anotherBrowser();
  await signIn(theirs, await addMember(server, 'auditor', 'Chi Nguyen'));
  await openOverview(theirs);
  await expect(attention(theirs).getByText('There is only one owner')).toBeVisible();
  await expect(attention(theirs).getByText('You can look, not change.')).toBeVisible();
  await expect(attention(theirs).getByRole('button')).toHaveCount(0);

  await signIn(page);
  await openOverview(page);
  const hide = page.getByRole('button', { name: 'Hide for 30 days: You are the only owner' });
  await hide.focus();
  await hide.press('Enter');
  await expect(hide).toBeHidden();
  await expect(page.getByRole('heading', { name: 'Needs attention' })).toBeFocused();
  await theirs.reload();
  await expect(attention(theirs).getByText(/without a second factor/)).toBeVisible();
  await expect(attention(theirs).getByText('There is only one owner')).toBeHidden();
});

test('the numbers follow', async ({ page, server }) => {
  await signIn(page);
  await openOverview(page);
  await expect(figure(page, 'Signed in now')).toHaveText('1');
  await signInByProgram(server);
  await expect(figure(page, 'Signed in now')).toHaveText('2');
});

test('on a phone what needs attention comes first, and all fits', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 800 });
  await signIn(page);
  await playMonth(page);
  await openOverview(page);
  const top = async (section: ReturnType<typeof attention>) =>
    (await section.boundingBox())?.y ?? NaN;
  expect(await top(attention(page))).toBeLessThan(await top(signedIn(page)));
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
});

test('an outage leaves the shell, and is retried', async ({ page }) => {
  await signIn(page);
  await page.route('/api/overview?*', (route) => route.abort());
  await openOverview(page);
  const sections = page.getByRole('navigation', { name: 'Curfew' });
  await expect(sections.getByRole('link', { name: 'Overview' })).toBeVisible();
  await page.unroute('/api/overview?*');
  await page.getByRole('button', { name: 'Retry' }).click();
  await expect(figure(page, 'Signed in now')).toHaveText('1');
});

test('a member without a role is led to their account', async ({ page, server }) => {
  await signIn(page, await addMember(server, 'member', 'Mia Sorensen'));
  await page.goto('/overview');
  await expect(page).toHaveURL('/account');
});
