import {
  effect,
  expect,
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

test('while the form is as it was saved, nothing is foretold', async ({ page }) => {
  await signIn(page);
  await expect(page.getByText(/^Meets \d+ of \d+$/)).toBeVisible();
  await expect(effect(page)).toBeHidden();
  await length(page).fill('3');
  await expect(effect(page)).toContainText('Saving signs nobody out at once.');
  await expect(save(page)).toHaveAccessibleDescription('');
  await length(page).fill('14');
  await expect(effect(page)).toBeHidden();
});

test('the button is called Save whatever it does', async ({ page }) => {
  await signIn(page);
  await playEffect(page, 7, true);
  await length(page).fill('3');
  await expect(effect(page)).toContainText(
    'Saving signs out 7 sessions of 4 members at once, yours included.',
  );
  await expect(save(page)).toContainText('Signs out 7 sessions of 4 members at once');
  await expect(save(page)).toHaveAccessibleName('Save');
  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
});

for (const width of [1280, 375]) {
  test(`Save stays where it is while the preview comes, at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    let answer = () => {};
    const held = new Promise<void>((go) => (answer = go));
    await page.route('/api/settings/security/preview', async (route) => {
      await held;
      await route.continue();
    });
    await signIn(page);
    await refresh(page).uncheck();
    await expect(effect(page)).toContainText('Working out what saving would do…');
    const place = await save(page).boundingBox();
    await expect(meaningAloud(page)).toHaveText(await meaning(page).innerText());
    expect(await save(page).boundingBox()).toEqual(place);
    answer();
    await expect(effect(page)).toContainText('Saving signs nobody out at once.');
    expect(await save(page).boundingBox()).toEqual(place);
  });
}

test('no preview stops nobody from saving', async ({ page }) => {
  await page.route('/api/settings/security/preview', (route) => route.abort());
  await signIn(page);
  await length(page).fill('12');
  await unit(page).selectOption('hours');
  await expect(page.getByText('The effect cannot be worked out now.')).toBeVisible();
  await saveMuchShorter(page);
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
});

test('a much shorter length is typed again', async ({ page }) => {
  await signIn(page);
  await playEffect(page, 7);
  await length(page).fill('42');
  await unit(page).selectOption('minutes');
  await save(page).click();
  const dialog = page.getByRole('dialog', { name: 'This is much shorter' });
  await expect(dialog).toContainText('It makes 14 days into 42 minutes.');
  await expect(dialog).toContainText('Saving signs out 7 sessions of 4 members at once.');
  const confirm = dialog.getByRole('button', { name: 'Save 42 minutes' });
  const again = dialog.getByLabel('Type the new number of minutes again');
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
  await expect(effect(page)).toContainText('Saving signs out 7 sessions');
  // This check never gets its answer.
  await page.route('/api/settings/security/preview', () => {}, { times: 1 });
  await save(page).click();
  await expect(save(page)).toHaveAttribute('aria-busy', 'true');
  await length(page).fill('43');
  await expect(page.getByRole('dialog')).toContainText('It makes 14 days into 43 minutes.');
});

test('a much shorter length that signs nobody out is saved at once', async ({ page }) => {
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
  await expect(effect(page)).toContainText('Saving signs nobody out at once.');
  await playEffect(page, 1);
  await save(page).click();
  await expect(page.getByRole('dialog', { name: 'This is much shorter' })).toContainText(
    'Saving signs out 1 session of 1 member at once.',
  );
});

test('a guideline fills the form, and is met once that is saved', async ({ page }) => {
  await signIn(page);
  await expect(page.getByText(/a session in use never ends by itself/)).toBeVisible();
  await page
    .getByRole('button', { name: 'Use 1 hour, at most 1 day, for NIST SP 800-63B-4, AAL2 (2.2.3)' })
    .click();
  await expect(length(page)).toHaveValue('1');
  await expect(length(page)).toBeFocused();
  await expect(unit(page)).toHaveValue('hours');
  await expect(refresh(page)).toBeChecked();
  await expect(limited(page)).toBeChecked();
  await expect(maximum(page)).toHaveValue('1');
  await expect(maximumUnit(page)).toHaveValue('days');
  await expect(page.getByText(/a session in use never ends by itself/)).toBeHidden();

  await save(page).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await page.reload();
  await page.getByText(/^\d+ met$/).click();
  await expect(page.getByText('NIST SP 800-63B-4, AAL2 (2.2.3)')).toBeVisible();
  await expect(page.getByRole('button', { name: /AAL2 \(2\.2\.3\)/ })).toBeHidden();
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
  await expect(meaning(page)).toContainText('and no longer than 60 days after signing in.');
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

test('a preset fills the draft only', async ({ page }) => {
  page.on('request', (request) => expect(request.method()).not.toBe('PUT'));
  await signIn(page);
  await page
    .getByRole('button', { name: 'Strict: 15 minutes, refresh on, at most 12 hours' })
    .click();
  await expect(length(page)).toHaveValue('15');
  await expect(unit(page)).toHaveValue('minutes');
  await expect(maximum(page)).toHaveValue('12');
  await page.getByRole('button', { name: 'Discard changes' }).click();
  await expect(length(page)).toHaveValue('14');
  await expect(limited(page)).not.toBeChecked();
});
