import {
  expect,
  length,
  limited,
  maximum,
  meaning,
  meaningAloud,
  refresh,
  refuseSettings,
  requireProofOnce,
  save,
  signIn,
  test,
  unit,
} from './journey';
import { addMember, call, OWNER, signInByProgram } from './server';

test.beforeEach(async ({ page }) => {
  await signIn(page);
});

test('a policy is saved and found again', async ({ page }) => {
  await expect(length(page)).toHaveValue('14');
  await expect(unit(page)).toHaveValue('days');
  await expect(meaning(page)).toBeVisible();
  await expect(meaning(page)).toContainText('for 14 days after their last visit.');

  await length(page).fill('1');
  await unit(page).selectOption('weeks');
  await expect(meaning(page)).toContainText('for 1 week after their last visit.');
  await expect(meaningAloud(page)).toHaveText(await meaning(page).innerText());
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Discard' })).toBeHidden();

  await page.reload();
  await expect(length(page)).toHaveValue('1');
  await expect(unit(page)).toHaveValue('weeks');
});

test('a length that is none is said at the field, and not sent', async ({ page }) => {
  page.on('request', (request) => expect(request.method()).not.toBe('PUT'));
  for (const [value, choice, message] of [
    ['0', 'minutes', 'Enter a whole number from 1 to 525,600 minutes.'],
    ['8761', 'hours', 'Enter a whole number from 1 to 8,760 hours.'],
    ['1.5', 'days', 'Enter a whole number from 1 to 365 days.'],
    ['1,5', 'days', 'Enter a whole number from 1 to 365 days.'],
    ['12 hours', 'days', 'Enter a whole number from 1 to 365 days.'],
    ['53', 'weeks', 'Enter a whole number from 1 to 52 weeks.'],
    ['', 'weeks', 'Enter a whole number from 1 to 52 weeks.'],
  ] as const) {
    await length(page).fill(value);
    await unit(page).selectOption(choice);
    await save(page).click();
    await expect(length(page)).toHaveAccessibleDescription(message);
    await expect(length(page)).toBeFocused();
    await expect(length(page)).toHaveAttribute('aria-invalid', 'true');
    await expect(length(page)).toHaveValue(value);
  }
});

test('a number is what was typed: the wheel turns nothing, and full-width digits count', async ({
  page,
}) => {
  await limited(page).check();
  for (const field of [length(page), maximum(page)]) {
    await field.click();
    const typed = await field.inputValue();
    await page.mouse.wheel(0, -300);
    await page.mouse.wheel(0, 300);
    await page.keyboard.press('ArrowUp');
    await expect(field).toHaveValue(typed);
  }
  await maximum(page).press('End');
  await maximum(page).pressSequentially('1,5');
  await limited(page).uncheck();
  await limited(page).check();
  await expect(maximum(page)).toHaveValue('301,5');
  await maximum(page).fill('\uff12\uff18');
  await length(page).press('End');
  await length(page).pressSequentially(' hours');
  await expect(length(page)).toHaveValue('14 hours');
  await length(page).fill('\uff11\uff12');
  await expect(meaning(page)).toContainText('for 12 days after their last visit, 28 days at most');
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(length(page)).toHaveValue('12');
  await expect(maximum(page)).toHaveValue('28');
});

test('a number is judged together with its unit, once both were left', async ({ page }) => {
  await length(page).fill('500');
  await unit(page).focus();
  await expect(length(page)).not.toHaveAttribute('aria-invalid');
  await refresh(page).focus();
  await expect(length(page)).toHaveAttribute('aria-invalid', 'true');
  await unit(page).selectOption('minutes');
  await expect(length(page)).not.toHaveAttribute('aria-invalid');
});

test('Save with nothing changed saves nothing', async ({ page, server }) => {
  page.on('request', (request) => expect(request.method()).not.toBe('PUT'));
  await save(page).click();
  await expect(page.getByText('No changes to save')).toBeVisible();
  await length(page).fill('15');
  await expect(page.getByText('No changes to save')).toBeHidden();
  await length(page).fill('14');
  await save(page).click();
  await expect(page.getByText('No changes to save')).toBeVisible();
  await expect(page.getByText('Not changed since the set-up')).toBeVisible();

  const { version } = await call<{ version: number }>(
    server.url,
    'GET',
    '/api/settings/security',
    undefined,
    await signInByProgram(server),
  );
  expect(version).toBe(1);
});

test('Ctrl+Enter saves from any field', async ({ page }) => {
  await length(page).fill('15');
  await unit(page).press('Control+Enter');
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await refresh(page).press('Control+Enter');
  await expect(page.getByText('No changes to save')).toBeVisible();
});

test('who has no second factor is one click away', async ({ page, server }) => {
  await addMember(server, 'member', 'Ben Okafor');
  await page.reload();
  const card = page.getByRole('region', { name: 'Two-step sign-in' });
  await expect(card).toContainText('0 of 2 members have one.');
  await card.getByRole('link', { name: 'See who doesn’t' }).click();
  await expect(page).toHaveURL('/settings/members?secondFactor=none&state=active');
});

test('the history of the configuration is one click away', async ({ page }) => {
  await length(page).fill('15');
  await save(page).click();
  await page.getByRole('link', { name: 'History' }).click();
  await expect(page).toHaveURL('/settings/audit?action=policy.saved');
});

// ASVS 2.1.3
test('the limits of the form are those of the server', async ({ page }) => {
  for (const [choice, most] of [
    ['minutes', 525_600],
    ['hours', 8760],
    ['days', 365],
    ['weeks', 52],
  ] as const) {
    await length(page).fill(String(most));
    await unit(page).selectOption(choice);
    const answer = page.waitForResponse((response) => response.request().method() === 'PUT');
    await save(page).click();
    expect((await answer).status()).toBe(200);
  }
});

test('when somebody saved meanwhile, nothing is overwritten unseen', async ({
  page,
  anotherBrowser,
}) => {
  // Without live events, only the save itself can find out.
  await page.route('/api/events', (route) => route.abort());
  await page.reload();
  const other = await anotherBrowser();
  await signIn(other);
  await length(other).fill('8');
  await save(other).click();
  await expect(other.getByText('Saved', { exact: true })).toBeVisible();

  await length(page).fill('5');
  await save(page).click();
  const choice = page.getByText(/^You saved a change elsewhere at \d\d:\d\d$/);
  await expect(choice).toBeVisible();
  await expect(page.getByText('In force now: 8 days, refresh on.')).toBeVisible();
  await expect(page.getByText('You were about to save: 5 days, refresh on.')).toBeVisible();
  await save(page).click();
  await expect(choice).toBeVisible();

  await page.getByRole('button', { name: 'Keep mine' }).click();
  await expect(length(page)).toHaveValue('5');
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
});

test('loosening asks for a proof of identity in place', async ({ page }) => {
  await requireProofOnce(page);
  await length(page).fill('30');
  await save(page).click();

  const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' });
  await dialog.getByLabel('Password').fill('not the password');
  await dialog.getByRole('button', { name: 'Confirm and save' }).click();
  await expect(dialog.getByText('The password is wrong. Try again.')).toBeVisible();
  await dialog.getByLabel('Password').fill(OWNER.password);
  await dialog.getByRole('button', { name: 'Confirm and save' }).click();

  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(dialog).toBeHidden();
  await expect(length(page)).toHaveValue('30');
});

test('declining the proof saves nothing and keeps the draft', async ({ page }) => {
  await requireProofOnce(page);
  await length(page).fill('30');
  await save(page).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(length(page)).toHaveValue('30');
  await expect(page.getByText('Saved', { exact: true })).toBeHidden();
});

test('offline is not signed out, and the draft stays', async ({ page, context }) => {
  await length(page).fill('3');
  await context.setOffline(true);
  await expect(page.getByText('You’re offline. This page may be out of date.')).toBeVisible();
  await save(page).click();
  await expect(page.getByRole('alert')).toContainText('You are offline');
  await expect(page).toHaveURL('/settings/security');

  await context.setOffline(false);
  await page.getByRole('alert').getByRole('button', { name: 'Retry' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(length(page)).toHaveValue('3');
});

test('a server that is down is not signed out, and the draft stays', async ({ page, server }) => {
  await length(page).fill('3');
  await server.stop();
  await save(page).click();
  await expect(page.getByRole('alert')).toContainText('Curfew cannot be reached');
  await expect(page).toHaveURL('/settings/security');

  await server.start();
  await page.getByRole('alert').getByRole('button', { name: 'Retry' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(length(page)).toHaveValue('3');
});

test('an outage while the page loads is not signed out', async ({ page }) => {
  await page.route('/api/session', (route) => route.abort(), { times: 1 });
  await page.reload();
  await expect(page.getByRole('alert')).toContainText('Curfew cannot be reached');
  await expect(page).toHaveURL('/settings/security');

  await page.getByRole('button', { name: 'Retry' }).click();
  await expect(page.getByRole('heading', { name: 'Session configuration' })).toBeVisible();
});

test('trouble on the server is said, and not taken for a sign-out', async ({ page }) => {
  await page.route(
    '/api/settings/security',
    (route) =>
      route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        headers: { 'Retry-After': '5' },
        json: {
          type: '/api/docs#storage_unavailable',
          title: 'Service Unavailable',
          status: 503,
          detail: 'The server cannot reach its storage.',
          code: 'storage_unavailable',
          requestId: 'r1',
        },
      }),
    { times: 1 },
  );
  await page.reload();
  await expect(page.getByRole('alert')).toContainText('Try again in 5 seconds.');
  await expect(page.getByRole('heading', { name: 'Account settings' })).toBeVisible();
  await page.getByRole('button', { name: 'Retry' }).click();
  await expect(length(page)).toHaveValue('14');
});

test('leaving with unsaved changes warns', async ({ page }) => {
  await page.getByRole('link', { name: 'Your account' }).click();
  await page.getByRole('link', { name: 'Account settings' }).click();
  await length(page).fill('3');

  await page.goBack();
  const dialog = page.getByRole('dialog', { name: 'Leave without saving?' });
  await dialog.getByRole('button', { name: 'Stay here' }).click();
  await expect(length(page)).toHaveValue('3');
  await expect(page).toHaveURL('/settings/security');

  await page.goBack();
  await dialog.getByRole('button', { name: 'Leave and discard' }).click();
  await expect(page).toHaveURL('/account');
});

test('closing the tab with unsaved changes warns', async ({ page }) => {
  await length(page).fill('3');
  const warning = page.waitForEvent('dialog');
  await page.close({ runBeforeUnload: true });
  expect((await warning).type()).toBe('beforeunload');
  await (await warning).accept();
});

test('coming back leads to the place on the page where one was', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 500 });
  await page.goto('/settings/security');
  const last = page.getByRole('heading', { name: 'Compliance check' });
  const account = page.locator('a[href="/account"]');
  await last.scrollIntoViewIfNeeded();
  expect(await page.evaluate(() => scrollY)).toBeGreaterThan(500);

  await account.dispatchEvent('click'); // a real click would scroll
  await expect(page).toHaveURL('/account');
  await page.goBack();
  await expect(last, 'back from another page').toBeInViewport();

  await page.reload();
  await expect(last, 'loaded again').toBeInViewport();
});

test('a member without a say belongs to their account', async ({ server, anotherBrowser }) => {
  const member = await anotherBrowser();
  await signIn(member, await addMember(server, 'member', 'Ben Okafor'));
  await expect(member).toHaveURL('/account');
  const refusal = member.getByText('Only owners, admins and auditors see settings.');
  await expect(refusal, 'nothing was asked for').toHaveCount(0);
  for (const path of ['/settings/security', '/settings', '/settings/members?q=ana']) {
    await member.goto(path);
    await expect(member).toHaveURL('/account');
    await expect(refusal).toBeVisible();
  }
  await member.reload();
  await expect(member.getByRole('heading', { name: 'Your account' })).toBeVisible();
  await expect(refusal).toHaveCount(0);
  await expect(member.getByRole('link', { name: 'Account settings' })).toHaveCount(0);
  await member.getByRole('link', { name: 'Example Observatory' }).click();
  await expect(member).toHaveURL('/account');
  await member.goto('/');
  await expect(member).toHaveURL('/account');
  await expect(refusal).toHaveCount(0);
});

test('a member who signs in is told why, where a link to the settings led them there', async ({
  server,
  anotherBrowser,
}) => {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  const member = await anotherBrowser();
  const refusal = member.getByText('Only owners, admins and auditors see settings.');
  for (const [opened, told] of [
    ['/sign-in', 0],
    ['/settings/security', 1],
    ['/settings/audit', 1],
    ['/', 0],
    ['/account', 0],
  ] as const) {
    await member.goto(opened);
    await member.getByLabel('Email').fill(ben.email);
    await member.getByLabel('Password').fill(ben.password);
    await member.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(member.getByRole('heading', { name: 'Your account' })).toBeVisible();
    await expect(refusal).toHaveCount(told);
    await member.getByRole('button', { name: 'Sign out' }).click();
    await expect(member).toHaveURL('/sign-in');
  }
});

test('the header leads to both the settings and the account, on the narrowest screen too', async ({
  page,
}) => {
  await page.setViewportSize({ width: 320, height: 640 });
  const settings = page.getByRole('link', { name: 'Security', exact: true });
  const account = page.getByRole('link', { name: 'Your account' });
  await expect(settings).toHaveAttribute('aria-current', 'page');
  await account.click();
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible();
  await expect(account).toHaveAttribute('aria-current', 'page');
  await settings.click();
  await expect(length(page)).toBeVisible();
});

test('who lost their say while the page was open is refused in words', async ({ page }) => {
  await refuseSettings(page);
  await page.reload();
  await expect(page.getByRole('alert')).toContainText('Ask an owner or an admin.');
  await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible();
});

test('an auditor reads and changes nothing', async ({ server, anotherBrowser }) => {
  const page = await anotherBrowser();
  await signIn(page, await addMember(server, 'auditor', 'Chi Nguyen'));
  await expect(page.getByText('You can look, not change.')).toBeVisible();
  for (const control of [length(page), unit(page), refresh(page)]) {
    await expect(control).toBeDisabled();
  }
  await page.getByText('Compliance check').click();
  await page.getByText('16 guidelines').click();
  await expect(page.getByRole('main').getByRole('button')).toHaveCount(0);
});

test('where there is no such page, the page says so', async ({ page }) => {
  await page.goto('/settings/nowhere');
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  await page.getByRole('link', { name: 'Go to your home page' }).click();
  await expect(page).toHaveURL('/overview');
});

test('a data folder that others can write is said, until it is mended', async ({
  page,
  server,
}) => {
  const notice = page.getByText('Others can write the server’s data folder');
  await expect(meaning(page)).toBeVisible();
  await expect(notice).toBeHidden();
  server.chmod(0o777);
  await page.reload();
  await expect(notice).toBeVisible();
  await expect(page.getByText('Every user on the server can replace the database.')).toBeVisible();
  server.chmod(0o700);
  await page.reload();
  await expect(meaning(page)).toBeVisible();
  await expect(notice).toBeHidden();
});
