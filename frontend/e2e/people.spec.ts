import { expect, requireProofOnce, signIn, test } from './journey';
import { dialog, edit, manage, opener, openMembers, press, prove } from './members';
import { addMember, invite, OWNER, removeByProgram, signInByProgram } from './server';

for (const width of [1280, 375]) {
  test(`a member is removed for good, at ${width} px`, async ({ page, server, anotherBrowser }) => {
    await page.setViewportSize({ width, height: 800 });
    const bo = await addMember(server, 'admin', 'Bo Karlsson');
    const theirs = await anotherBrowser();
    await signIn(theirs, bo);
    await signInByProgram(server, bo);
    await signIn(page);
    await openMembers(page);

    const managing = await manage(page, 'Bo Karlsson');
    await press(managing, 'Remove member');
    const asking = dialog(page, 'Remove this member for good?');
    await expect(asking).toContainText('with the password and every link. 2 sessions end at once.');
    await expect(asking).toContainText('The audit log keeps its entries about them');
    await expect(asking).toContainText('The address is given to no one else.');
    await expect(asking.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await requireProofOnce(page, 'DELETE', '/api/members/*');
    await press(asking, 'Remove member');
    await prove(page, 'Confirm and remove');
    await expect(page.getByText('Bo Karlsson is removed; 2 sessions ended.')).toBeVisible();
    await expect(page.getByRole('rowheader')).toHaveText([/Ana/]);
    await expect(page.locator('tr:focus')).toHaveCount(1);
    await expect(page.getByText('1 member', { exact: true })).toBeVisible();
    await expect(page.getByRole('dialog')).toHaveCount(0);

    await theirs.goto('/account');
    await expect(theirs).toHaveURL(/sign-in/);
    await page.goto('/settings/audit?action=member.removed');
    await expect(page.getByText('removed Bo Karlsson for good')).toBeVisible();

    // The address is no other member's, unless an owner says so.
    await openMembers(page);
    await press(page, 'Invite');
    const inviting = dialog(page, 'Invite a member');
    await inviting.getByLabel('Email').fill('BO.karlsson@example.org');
    await press(inviting, 'Invite');
    const reusing = dialog(page, 'Give this address to another person?');
    await press(reusing, 'Cancel');
    await expect(inviting.getByLabel('Email')).toHaveAccessibleDescription(
      "This address was another member's.",
    );
    await press(inviting, 'Invite');
    await press(reusing, 'Give it to this person');
    await expect(dialog(page, 'Invitation link')).toBeVisible();
  });

  test(`name and address are changed, at ${width} px`, async ({ page, server, anotherBrowser }) => {
    await page.setViewportSize({ width, height: 800 });
    const bo = await addMember(server, 'member', 'Bo Karlsson');
    const theirs = await anotherBrowser();
    await signIn(theirs, bo);
    await signIn(page);
    await openMembers(page);
    const managing = await manage(page, 'Bo Karlsson');
    await press(managing, 'Password reset link');
    const issuing = dialog(page, 'Password reset link');
    await press(issuing, 'Create link');
    const link = await issuing.getByLabel('Link').inputValue();
    await press(issuing, 'Done');

    const editing = await edit(page, managing);
    const email = editing.getByLabel('Email');
    for (const [wrong, words] of [
      [OWNER.email, 'Another member has this e-mail address.'],
      ['nothing', /^Enter an e-mail address/],
      ['', 'This is needed.'],
    ] as const) {
      await email.fill(wrong);
      await press(editing, 'Save');
      await expect(email).toHaveAccessibleDescription(words);
      await expect(email).toBeFocused();
    }
    await editing.getByLabel('Name').fill('Bo K.');
    await email.fill('bo@example.org');
    await expect(email).toHaveAccessibleDescription(/The open link stops working\.$/);
    await requireProofOnce(page, 'PATCH', '/api/members/*');
    await press(editing, 'Save');
    await prove(page, 'Confirm and save');
    await expect(dialog(page, 'Bo K.').getByText('Saved')).toBeVisible();
    await expect(page.getByRole('row').filter({ hasText: 'Bo K.' })).toContainText(
      'bo@example.org',
    );

    await theirs.goto('/account');
    await expect(theirs.getByText('Bo K. · bo@example.org'), 'sessions go on').toBeVisible();
    const elsewhere = await anotherBrowser();
    await elsewhere.goto(link);
    await expect(elsewhere.getByText("This link doesn't work")).toBeVisible();
    await signIn(elsewhere, { ...bo, email: 'bo@example.org' });
  });
}

test('an invitation that was never accepted is deleted', async ({ page, server }) => {
  await invite(server, 'member', 'Bo Karlsson', 'bo@example.org');
  await signIn(page);
  await openMembers(page);
  await press(await manage(page, 'Bo Karlsson'), 'Delete invitation');
  const asking = dialog(page, 'Delete this invitation?');
  await expect(asking).toContainText('The audit log keeps its entries');
  await press(asking, 'Delete invitation');
  await expect(page.getByText('The invitation of bo@example.org is deleted.')).toBeVisible();
  await expect(page.getByRole('rowheader')).toHaveText([/Ana/]);
});

test('an admin asks an owner for an address that was used before', async ({ page, server }) => {
  await addMember(server, 'member', 'Chi Nguyen');
  await addMember(server, 'member', 'Dua Salim');
  await removeByProgram(server, 'chi.nguyen@example.org');
  await signIn(page, await addMember(server, 'admin', 'Bo Karlsson'));
  await openMembers(page);
  const managing = await manage(page, 'Dua Salim');
  const editing = await edit(page, managing);
  const email = editing.getByLabel('Email');
  await email.fill('chi.nguyen@example.org');
  await press(editing, 'Save');
  await expect(email).toHaveAccessibleDescription(/Use another one, or ask an owner/);
  await expect(email).toBeFocused();
  await press(editing, 'Cancel');
  await press(managing, 'Close');
  await manage(page, 'Bo Karlsson');
  await expect(page.getByRole('button', { name: 'Remove member' })).toHaveCount(0);
});

test('no one removes themselves', async ({ page }) => {
  await signIn(page);
  await openMembers(page);
  const managing = await manage(page, OWNER.name);
  await expect(managing.getByRole('button', { name: 'Block sign-in' })).toBeVisible();
  await expect(managing.getByRole('button', { name: 'Remove member' })).toHaveCount(0);
});

test('who was removed meanwhile leaves the list', async ({ page, server }) => {
  await addMember(server, 'member', 'Bo Karlsson');
  await addMember(server, 'member', 'Chi Nguyen');
  await signIn(page);
  await openMembers(page);
  await removeByProgram(server, 'chi.nguyen@example.org');
  await expect(page.getByRole('rowheader')).toHaveText([/Ana/, /Bo/]);

  // In a part of the list, a row stays until it is opened.
  await page.goto('/settings/members?role=member');
  await expect(page.getByRole('rowheader')).toHaveText([/Bo/]);
  await removeByProgram(server, 'bo.karlsson@example.org');
  await opener(page, 'Bo Karlsson').click();
  await expect(page.getByText('Bo Karlsson was removed meanwhile.')).toBeVisible();
  await expect(page.getByRole('rowheader')).toHaveCount(0);
});

test('your own name', async ({ page }) => {
  await signIn(page);
  await page.goto('/account');
  const name = page.getByLabel('Name', { exact: true });
  await name.fill('x'.repeat(10_000));
  await press(page, 'Save');
  await expect(name).toHaveAccessibleDescription('Use at most 200 characters.');
  await name.fill('Ana María');
  await press(page, 'Save');
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(page.getByRole('banner')).toContainText('Ana María');
});

test('the header follows a name that somebody else changed', async ({
  page,
  server,
  anotherBrowser,
}) => {
  const bo = await addMember(server, 'auditor', 'Bo Karlsson');
  const theirs = await anotherBrowser();
  await signIn(theirs, bo);
  await theirs.goto('/settings/members');
  await theirs.getByRole('rowheader', { name: 'Bo Karlsson' }).waitFor();

  await signIn(page);
  await openMembers(page);
  const managing = await manage(page, 'Bo Karlsson');
  const editing = await edit(page, managing);
  await editing.getByLabel('Name').fill('Bo K.');
  await press(editing, 'Save');
  await expect(theirs.getByRole('banner')).toContainText('Bo K.');
});
