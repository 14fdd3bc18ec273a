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
  await page.getByLabel('Email').waitFor();
  await tabTo('Email');
  await keyboard.type(OWNER.email);
  await tabTo('Password');
  await keyboard.type(OWNER.password);
  await tabTo('Show');
  await tabTo('Sign in');
  await keyboard.press('Enter');

  await length(page).waitFor();
  await tabTo('Skip to content');
  await keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
  for (const tab of ['Security', 'Sessions', 'Members', 'Audit log']) await tabTo(tab);
  await tabTo('Office day: 12 hours, refresh off');
  await tabTo('Balanced: 14 days, refresh on');
  await tabTo('Strict: 15 minutes, refresh on, at most 12 hours');
  await tabTo('Session length');
  await keyboard.press('ControlOrMeta+a');
  await keyboard.type('30');
  await tabTo('Unit');
  await keyboard.type('weeks');
  await expect(unit(page)).toHaveValue('weeks');
  await tabTo('Refresh sessions automatically');
  await keyboard.press('Space');
  await expect(refresh(page)).not.toBeChecked();
  await tabTo('Limit how long a session can last in all');
  await keyboard.press('Space');
  await tabTo('Maximum lifetime');
  await keyboard.press('ControlOrMeta+a');
  await keyboard.type('50');
  await tabTo('Maximum lifetime unit');
  await keyboard.type('weeks');
  await page.getByText('Show as table').waitFor();
  await tabTo('Show as table');
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

  await tabTo('Use 30 days, for NIST SP 800-63B-4, AAL1 (2.1.3)');
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
