import {
  effect,
  expect,
  inForce,
  length,
  limited,
  maximum,
  maximumUnit,
  meaning,
  meaningAloud,
  playEffect,
  refresh,
  save,
  saveMuchShorter,
  signIn,
  test,
  unit,
} from './journey';

test('what is in force is shown before anything is changed', async ({ page }) => {
  await signIn(page);
  await expect(inForce(page)).toContainText('1 session Of 1 member.');
  await expect(inForce(page)).toContainText('Last one ends in 14 days');
  await expect(inForce(page).getByRole('img')).toHaveAccessibleName(
    /^Sessions still signed in if no one visits: now, halfway and after 10 days 1, 1, 0\.$/,
  );
  await expect(save(page)).toHaveAccessibleDescription('');
  await length(page).fill('3');
  await expect(effect(page)).toContainText('No one is signed out');
  await expect(save(page)).toHaveAccessibleDescription('Signs no one out at once');
  await length(page).fill('14');
  await expect(inForce(page)).toContainText('1 session');
});

test('those who are signed in are counted while the page is open', async ({
  page,
  anotherBrowser,
}) => {
  await signIn(page);
  await expect(inForce(page)).toContainText('1 session Of 1 member.');
  await signIn(await anotherBrowser());
  await expect(inForce(page)).toContainText('2 sessions Of 1 member.');
});

test('the button is called Save whatever it does', async ({ page }) => {
  await signIn(page);
  await playEffect(page, 7, true);
  await length(page).fill('3');
  await expect(effect(page)).toContainText('7 sessions end At once, of 4 members. Yours ends too.');
  await expect(effect(page).getByRole('link')).toHaveText(
    'See who is signed out: Nandini, Jürgen, Kavya and 1 more',
  );
  await expect(save(page)).toHaveAccessibleDescription(
    'Signs out 7 sessions at once 4 members, you included · See who',
  );
  await expect(save(page)).toHaveAccessibleName('Save');
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
});

test('those who would be signed out are one click away, and the draft waits', async ({ page }) => {
  await signIn(page);
  await playEffect(page, 7);
  await length(page).fill('3');
  await limited(page).check();
  await effect(page).getByRole('link').click();
  await expect(page).toHaveURL(/\/settings\/sessions\?.*endsUnder=3d(,|%2C)refresh(,|%2C)30d/);
  await page.goBack();
  await expect(length(page)).toHaveValue('3');
  await expect(limited(page)).toBeChecked();
  await expect(effect(page)).toContainText('7 sessions end');
  await page.getByRole('link', { name: 'See who', exact: true }).click();
  await expect(page).toHaveURL(/\/settings\/sessions/);
});

for (const width of [1280, 375]) {
  test(`nothing moves while the preview comes, at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    let answer = () => {};
    const held = new Promise<void>((go) => (answer = go));
    await signIn(page);
    await expect(inForce(page)).toContainText('1 session');
    const number = page.locator('.number');
    const places = async () => [await save(page).boundingBox(), await number.boundingBox()];
    if (width === 1280) await expect(number).toBeInViewport();
    await expect(save(page)).toBeInViewport();
    const [clean] = await places();
    await page.route('/api/settings/security/preview', async (route) => {
      await held;
      await route.continue();
    });
    await refresh(page).uncheck();
    await expect(save(page)).toHaveAccessibleDescription('Calculating the effect…');
    const before = await places();
    if (width === 1280) expect(before[0]?.y).toBe(clean?.y);
    await expect(meaningAloud(page)).toHaveText(await meaning(page).innerText());
    expect(await places()).toEqual(before);
    answer();
    await expect(effect(page)).toContainText('No one is signed out');
    expect(await places()).toEqual(before);
  });
}

test('without a preview, one can still save, and ask again', async ({ page }) => {
  await signIn(page);
  await page.route('/api/settings/security/preview', (route) => route.abort());
  await length(page).fill('12');
  await unit(page).selectOption('hours');
  await expect(effect(page)).toContainText('– Couldn’t calculate the effect.');
  await expect(effect(page)).not.toContainText('1 session');
  await page.unroute('/api/settings/security/preview');
  await effect(page).getByRole('button', { name: 'Retry' }).click();
  await expect(effect(page)).toContainText('No one is signed out');

  await page.route('/api/settings/security/preview', (route) => route.abort());
  await length(page).fill('11');
  await expect(effect(page)).toContainText('Couldn’t calculate the effect.');
  await saveMuchShorter(page);
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
});

test('a length that is none has no effect to show', async ({ page }) => {
  await signIn(page);
  await playEffect(page, 7);
  await length(page).fill('3');
  await expect(effect(page)).toContainText('7 sessions end');
  await length(page).fill('999');
  await expect(page.locator('.number')).toHaveText('–');
  await expect(effect(page)).not.toContainText('7 sessions');
  await expect(effect(page).getByRole('definition')).toHaveText(['–', '–', '–']);
  await expect(effect(page).getByRole('img')).not.toHaveAccessibleName(/after saving/);
});

test('a much shorter length is typed again', async ({ page }) => {
  await signIn(page);
  await playEffect(page, 7);
  await length(page).fill('42');
  await unit(page).selectOption('minutes');
  await save(page).click();
  const dialog = page.getByRole('dialog', {
    name: 'Shorten sessions from 14 days to 42 minutes?',
  });
  await expect(dialog).toContainText('Signs out 7 sessions of 4 members at once.');
  const confirm = dialog.getByRole('button', { name: 'Save 42 minutes' });
  const again = dialog.getByLabel('To confirm, type 42');
  await expect(again).toBeFocused();
  for (const wrong of ['', '4', '24', '420', '42 days']) {
    await again.fill(wrong);
    await expect(confirm).toBeDisabled();
  }

  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  await expect(length(page)).toHaveValue('42');
  await expect(save(page)).toBeFocused();

  await save(page).click();
  await again.fill('42');
  await again.press('Enter');
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(dialog).toBeHidden();
});

test('what is edited while it is being checked is checked itself', async ({ page }) => {
  page.on('request', (request) => expect(request.method()).not.toBe('PUT'));
  await signIn(page);
  await playEffect(page, 7);
  await length(page).fill('42');
  await unit(page).selectOption('minutes');
  await expect(effect(page)).toContainText('7 sessions end');
  // This check never gets its answer.
  await page.route('/api/settings/security/preview', () => {}, { times: 1 });
  await save(page).click();
  await expect(save(page)).toHaveAttribute('aria-busy', 'true');
  await length(page).fill('43');
  await expect(
    page.getByRole('dialog', { name: 'Shorten sessions from 14 days to 43 minutes?' }),
  ).toBeVisible();
});

test('a much shorter length that signs no one out is saved at once', async ({ page }) => {
  await signIn(page);
  await length(page).fill('12');
  await unit(page).selectOption('hours');
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('who is signed out is asked when Save is pressed, and not read off an older answer', async ({
  page,
}) => {
  await signIn(page);
  await length(page).fill('12');
  await unit(page).selectOption('hours');
  await expect(effect(page)).toContainText('No one is signed out');
  await playEffect(page, 1);
  await save(page).click();
  await expect(page.getByRole('dialog', { name: /^Shorten sessions from/ })).toContainText(
    'Signs out 1 session of 1 member at once.',
  );
});

test('admins choose the guidelines that apply, and one fills the form', async ({ page }) => {
  await signIn(page);
  const check = page.getByRole('region', { name: 'Compliance check' });
  await check.getByText('Choose yours').click();
  await check.getByRole('button', { name: 'Which apply to you?' }).click();
  const dialog = page.getByRole('dialog', { name: 'Which apply to you?' });
  await expect(dialog.getByRole('group', { name: 'NIST' }).getByRole('checkbox')).toHaveCount(4);
  for (const name of ['NIST SP 800-63B-4, AAL2 (2.2.3)', 'OWASP ASVS 5.0, 7.3.1']) {
    await dialog.getByLabel(name, { exact: true }).check();
  }
  await dialog.getByRole('button', { name: 'Save choice' }).click();
  await expect(dialog).toBeHidden();
  await expect(check).toContainText('NIST AAL2: not met');
  await expect(check).toContainText('ASVS 7.3.1: met');
  await expect(check).toContainText('1 of 2 met. For guidance only.');
  await expect(check.getByText('14 other guidelines')).toBeVisible();
  await expect(
    check.getByRole('link', { name: 'NIST SP 800-63B-4, AAL2 (2.2.3)' }),
  ).toHaveAttribute('href', 'https://pages.nist.gov/800-63-4/sp800-63b/aal/#aal2reauth');

  await check
    .getByRole('button', {
      name: 'Apply 1 hour, 1 day at most, for NIST SP 800-63B-4, AAL2 (2.2.3)',
    })
    .click();
  await expect(length(page)).toHaveValue('1');
  await expect(length(page)).toBeFocused();
  await expect(unit(page)).toHaveValue('hours');
  await expect(refresh(page)).toBeChecked();
  await expect(maximum(page)).toHaveValue('1');
  await expect(maximumUnit(page)).toHaveValue('days');
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await page.reload();
  await expect(check).toContainText('NIST AAL2: met');
  await expect(check).toContainText('ASVS 7.3.1: met');
});

test('a maximum lifetime is saved, shown, and taken back', async ({ page }) => {
  await signIn(page);
  await expect(maximum(page)).toBeHidden();
  await limited(page).check();
  await maximum(page).fill('400');
  await save(page).click();
  await expect(maximum(page)).toHaveAccessibleDescription(
    'Enter a whole number from 1 to 365 days.',
  );
  await expect(maximum(page)).toBeFocused();

  await maximum(page).fill('60');
  await expect(meaning(page)).toBeVisible();
  await expect(meaning(page)).toContainText('after their last visit, 60 days at most.');
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await page.reload();
  await expect(maximum(page)).toHaveValue('60');
  await expect(maximumUnit(page)).toHaveValue('days');

  await limited(page).uncheck();
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await page.reload();
  await expect(limited(page)).not.toBeChecked();
  await expect(maximum(page)).toBeHidden();
});

test('a preset fills the draft only, and is marked while the form says the same', async ({
  page,
}) => {
  page.on('request', (request) => expect(request.method()).not.toBe('PUT'));
  await signIn(page);
  const presets = page.getByRole('group', { name: 'Presets' });
  const strict = presets.getByRole('button', {
    name: 'Strict: 15 minutes, refresh on, at most 12 hours',
  });
  const balanced = presets.getByRole('button', { name: /^Balanced: 14 days, refresh on/ });
  await expect(balanced).toHaveAttribute('aria-pressed', 'true');
  await strict.click();
  await expect(length(page)).toHaveValue('15');
  await expect(unit(page)).toHaveValue('minutes');
  await expect(maximum(page)).toHaveValue('12');
  await expect(strict).toHaveAttribute('aria-pressed', 'true');
  await expect(balanced).toHaveAttribute('aria-pressed', 'false');
  await expect(balanced).toHaveAccessibleName('Balanced: 14 days, refresh on, in use');
  await expect(presets.getByText('Custom')).toHaveCount(0);
  await length(page).fill('16');
  await expect(strict).toHaveAttribute('aria-pressed', 'false');
  await expect(presets.getByText('Custom')).toBeVisible();
  await page.getByRole('button', { name: 'Discard' }).click();
  await expect(length(page)).toHaveValue('14');
  await expect(limited(page)).not.toBeChecked();
});

test('a link with earlier values fills the form, and saves nothing', async ({ page }) => {
  page.on('request', (request) => expect(request.method()).not.toBe('PUT'));
  await signIn(page);
  await page.goto('/settings/security?use=3d,refresh,30d');
  await expect(length(page)).toHaveValue('3');
  await expect(maximum(page)).toHaveValue('30');
  const note = page.getByText('Filled with earlier values from the audit log. Not saved yet.');
  await expect(note).toBeVisible();
  await page.getByRole('button', { name: 'Discard' }).click();
  await expect(note).toBeHidden();
  await expect(length(page)).toHaveValue('14');

  await page.goto('/settings/security?use=3x');
  await expect(page.getByText('The values in this link can’t be read.')).toBeVisible();
  await expect(length(page)).toHaveValue('14');
});
