import { expect, length, refresh, requireProofOnce, revokeAll, save, test, unit } from './journey';
import { OWNER } from './server';

test('everything can be done without a mouse', async ({ page }) => {
  const { keyboard } = page;
  const tabTo = async (name: string) => {
    await keyboard.press('Tab');
    await expect(page.locator(':focus')).toHaveAccessibleName(name);
    expect(
      await page.locator(':focus').evaluate((element) => getComputedStyle(element).outlineStyle),
      `the focus on ${name} can be seen`,
    ).toBe('solid');
  };

  await page.goto('/sign-in');
  await expect(page.getByLabel('Email')).toBeFocused();
  await keyboard.type(OWNER.email);
  await tabTo('Password');
  await keyboard.type(OWNER.password);
  await tabTo('Show');
  await tabTo('Forgot password?');
  await tabTo('Sign in');
  await keyboard.press('Enter');

  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await keyboard.press('g');
  await keyboard.press('s');
  await length(page).waitFor();
  await tabTo('Skip to content');
  await keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
  await tabTo('Revoke all sessions');
  await tabTo('Strict: 15 minutes, refresh on, at most 12 hours');
  await tabTo('Office day: 12 hours, refresh off');
  await tabTo('Balanced: 14 days, refresh on');
  await tabTo('Session length');
  await keyboard.press('ControlOrMeta+a');
  await keyboard.type('30');
  await tabTo('Session length unit');
  await keyboard.type('weeks');
  await expect(unit(page)).toHaveValue('weeks');
  await tabTo('Refresh sessions automatically');
  await keyboard.press('Space');
  await expect(refresh(page)).not.toBeChecked();
  await tabTo('Set a maximum lifetime');
  await keyboard.press('Space');
  await tabTo('Maximum lifetime');
  await keyboard.press('ControlOrMeta+a');
  await keyboard.type('50');
  await tabTo('Maximum lifetime unit');
  await keyboard.type('weeks');
  await tabTo('Discard');
  await tabTo('Save');

  await requireProofOnce(page);
  await keyboard.press('Enter');
  const proof = page.getByRole('dialog', { name: 'Confirm that it is you' });
  await expect(proof.getByLabel('Password')).toBeFocused();
  await keyboard.press('Escape');
  await expect(proof).toBeHidden();
  await expect(save(page)).toBeFocused();

  await keyboard.press('Enter');
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();

  await tabTo('See who doesn’t');
  await tabTo('Require for everyone : a second factor');
  await tabTo('Compliance check Choose yours');
  await keyboard.press('Enter');
  await tabTo('Which apply to you?');
  await tabTo('16 guidelines');
  await tabTo('Show as table');
  await revokeAll(page).focus();
  await keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await keyboard.press('Escape');
  await expect(revokeAll(page)).toBeFocused();
  await keyboard.press('Enter');
  await expect(revokeAll(page.getByRole('dialog'))).toBeEnabled();
  await tabTo('Revoke all sessions');
  await keyboard.press('Enter');
  await expect(page.getByText(/^You signed everyone out/)).toBeVisible();
});
