import { expect, plugIn, signIn, signInAgain, test } from './journey';
import { addMember, demandFactors, revokeAllByProgram, saveByProgram } from './server';

test('a newcomer adds a passkey by one press', async ({ page, server }) => {
  await plugIn(page);
  await saveByProgram(server, undefined, { maximumLifetime: { value: 30, unit: 'days' } });
  await signIn(page, await addMember(server, 'member', 'Kim Tan'));
  await page.goto('/welcome');
  await expect(page.getByRole('heading', { name: "You're in, Kim" })).toBeVisible();
  await expect(page.getByRole('main')).toContainText(
    'You stay signed in for 8 days after your last visit, 30 days at most.',
  );
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await expect(page.getByText('Headless Chrome on Linux signs you in from now on.')).toBeVisible();
  const goOn = page.getByRole('link', { name: 'Continue' });
  await expect(goOn).toBeFocused();
  await goOn.click();
  await expect(page).toHaveURL('/account');
  await expect(page.getByRole('button', { name: /^Remove Headless Chrome/ })).toBeVisible();

  await revokeAllByProgram(server);
  const passkey = signInAgain(page).getByRole('button', { name: 'Sign in with a passkey' });
  await expect(passkey, 'it is known there from now on').toBeFocused();
  await passkey.click();
  await expect(signInAgain(page)).toBeHidden();
  await page.goto('/welcome');
  await expect(page, 'nothing is left to do there').toHaveURL('/account');
});

test('a newcomer can do without', async ({ page, server }) => {
  await signIn(page, await addMember(server, 'member', 'Kim Tan'));
  await page.goto('/welcome');
  await page.getByRole('link', { name: 'Not now' }).click();
  await expect(page).toHaveURL('/account');
});

test('where a second factor is required, it comes first', async ({ page, server }) => {
  await plugIn(page);
  const kim = await addMember(server, 'member', 'Kim Tan');
  await demandFactors(server);
  await page.goto('/sign-in?next=/welcome');
  await page.getByLabel('Email').fill(kim.email);
  await page.getByLabel('Password').fill(kim.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page).toHaveURL('/second-factor?next=%2Fwelcome');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await expect(page).toHaveURL('/account');
});
