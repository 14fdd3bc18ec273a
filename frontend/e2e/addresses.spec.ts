import { expect, sendSignIn, signIn, test } from './journey';

const PASSWORD = 'a password of my own';

for (const [address, spelling] of [
  ['kim@straße.example', 'KIM@xn--strae-oqa.example'],
  ['jörg@bücher.example', 'jo\u0308rg@bu\u0308cher.example '],
] as const) {
  test(`${address} is invited, and signs in as they write it`, async ({ page, anotherBrowser }) => {
    await signIn(page);
    await page.goto('/settings/members');
    await page.getByRole('button', { name: 'Invite', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Email').fill('jörg ü@bücher.example');
    await dialog.getByRole('button', { name: 'Invite', exact: true }).click();
    await expect(dialog.getByLabel('Email')).toHaveAccessibleDescription(/without spaces/);
    await expect(dialog.getByLabel('Email')).toBeFocused();

    await dialog.getByLabel('Email').fill(address);
    await dialog.getByRole('button', { name: 'Invite', exact: true }).click();
    await expect(dialog.getByText(`${address} sets their own password with it`)).toBeVisible();
    const link = await dialog.getByLabel('Link').inputValue();

    const theirs = await anotherBrowser();
    await theirs.goto(link);
    await theirs.getByLabel('Your name').fill('Kim');
    await theirs.getByLabel('Password').fill(PASSWORD);
    await expect(theirs.getByText(`You'll sign in as ${address}`)).toBeVisible();
    await theirs.getByRole('button', { name: 'Join' }).click();
    await expect(theirs).toHaveURL('/welcome');
    for (const typed of [address, spelling]) {
      await sendSignIn(theirs, { email: typed, password: PASSWORD });
      await expect(theirs.getByText(`Kim · ${address}`)).toBeVisible();
      await theirs.getByRole('button', { name: 'Sign out' }).click();
      await expect(theirs).toHaveURL(/sign-in/);
    }
  });
}

test('an address that is too long is marked at its field', async ({ page }) => {
  await sendSignIn(page, { email: `${'a'.repeat(300)}@example.org`, password: PASSWORD });
  await expect(page.getByLabel('Email')).toHaveAccessibleDescription(/254/);
});

// Only an older version took such addresses, so the server's answer is changed on its way.
test('members with an address to settle are marked', async ({ page }) => {
  await signIn(page);
  await page.route(/\/api\/members[/?]/, async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    (json.items?.[0] ?? json).addressIssue = 'shared';
    await route.fulfill({ response, json });
  });
  await page.goto('/settings/members');
  await expect(page.getByRole('row').nth(1)).toContainText('Check address');
  await page.getByRole('rowheader').getByRole('link').first().click();
  await expect(page.getByRole('dialog')).toContainText('Another member has this address');
});
