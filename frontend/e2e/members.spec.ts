import { expect, requireProofOnce, signIn, test } from './journey';
import { choose, dialog, edit, manage, opener, openMembers, press, prove, row } from './members';
import { addMember, call, invite, OWNER, signInByProgram, type Server } from './server';

const PASSWORD = 'a password of my own';
const WIDTHS = [1280, 375];

/** Asks as a program what a member is, by their address. */
async function memberOf({ url }: Server, token: string, email: string) {
  const { items } = await call<{ items: { id: string; role: string; email: string }[] }>(
    url,
    'GET',
    `/api/members?q=${encodeURIComponent(email)}`,
    undefined,
    token,
  );
  const found = items.find((each) => each.email === email);
  if (!found) throw new Error(`nobody is ${email}`);
  return found;
}

for (const width of WIDTHS) {
  test(`invite, send the link, accept, sign in, at ${width} px`, async ({
    page,
    context,
    anotherBrowser,
  }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.setViewportSize({ width, height: 800 });
    await signIn(page);
    await page.getByRole('link', { name: 'Members' }).click();
    await press(page, 'Invite');

    const inviting = dialog(page, 'Invite a member');
    await inviting.getByLabel('Email').fill('bo@example.org');
    await inviting.getByLabel('Name').fill('Bo Karlsson');
    await inviting.getByLabel('Role').selectOption('Auditor');
    await expect(inviting.getByText('Changes nothing.')).toBeVisible();
    await requireProofOnce(page, 'POST', '/api/members');
    await press(inviting, 'Invite');
    await prove(page, 'Confirm and invite');

    const handing = dialog(page, 'Invitation link');
    await expect(handing.getByText(/^Expires .+\. You won't see it again\.$/)).toBeVisible();
    await press(handing, 'Copy');
    await expect(handing.getByText('Copied')).toBeVisible();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).toBe(await handing.getByLabel('Link').inputValue());
    await press(handing, 'Done');
    await expect(page.getByRole('button', { name: 'Invite', exact: true })).toBeFocused();
    await expect(row(page, 'Bo Karlsson')).toContainText(/Invited.*Auditor.*Expires/s);

    const theirs = await anotherBrowser();
    await theirs.setViewportSize({ width, height: 800 });
    await theirs.goto(link);
    await theirs.getByLabel('Password').fill(PASSWORD);
    await press(theirs, 'Join');
    await expect(theirs).toHaveURL('/welcome');

    await page.reload();
    await expect(row(page, 'Bo Karlsson')).not.toContainText('Invited');
    if (width === 1280) {
      await expect(page.getByRole('link', { name: '1 session of Bo Karlsson' })).toHaveAttribute(
        'href',
        /^\/settings\/sessions\?member=[\w-]+$/,
      );
    }
    const drawer = await manage(page, 'Bo Karlsson');
    await expect(drawer.getByText('Signed in on 1 device')).toBeVisible();
  });

  test(`block sign-in and unblock, at ${width} px`, async ({ page, server, anotherBrowser }) => {
    await page.setViewportSize({ width, height: 800 });
    const bo = await addMember(server, 'admin', 'Bo Karlsson');
    const theirs = await anotherBrowser();
    await signIn(theirs, bo);
    await signInByProgram(server, bo);
    await signIn(page);
    await openMembers(page);

    const managing = await manage(page, 'Bo Karlsson');
    await press(managing, 'Block sign-in');
    const asking = dialog(page, 'Block sign-in and end all sessions?');
    await expect(asking).toContainText("Bo Karlsson can't sign in until an admin unblocks them.");
    await expect(asking).toContainText('2 sessions end at once');
    await expect(asking.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await press(asking, 'Block sign-in');
    await expect(managing.getByText('Blocked; 2 sessions ended.')).toBeVisible();
    await expect(managing.getByRole('heading', { name: 'Bo Karlsson Blocked' })).toBeFocused();
    await expect(managing.getByText('Not signed in')).toBeVisible();

    await theirs.reload();
    await expect(theirs.getByText(/Your account was deactivated/)).toBeVisible();

    await requireProofOnce(page, 'PATCH', '/api/members/*');
    await press(managing, 'Unblock sign-in');
    await prove(page, 'Confirm and unblock');
    await expect(managing.getByText('Unblocked. They can sign in again.')).toBeVisible();
    await press(managing, 'Close');
    await expect(opener(page, 'Bo Karlsson')).toBeFocused();
    await expect(row(page, 'Bo Karlsson')).not.toContainText('Blocked');
    await signIn(theirs, bo);
  });
}

test('without a clipboard the link is selected', async ({ page }) => {
  await page.addInitScript(() =>
    Object.defineProperty(navigator, 'clipboard', { value: undefined }),
  );
  await signIn(page);
  await openMembers(page);
  await press(page, 'Invite');
  await page.getByRole('dialog').getByLabel('Email').fill('bo@example.org');
  await press(page.getByRole('dialog'), 'Invite');
  await press(page.getByRole('dialog'), 'Copy');
  await expect(page.getByText('The link is selected: copy it yourself.')).toBeVisible();
  expect(await page.evaluate(() => String(getSelection()))).toMatch(
    /^http.+\/accept-invitation#token=.+/,
  );
});

test('what is wrong with an invitation is said at its field', async ({ page, context }) => {
  await signIn(page);
  await openMembers(page);
  await press(page, 'Invite');
  const inviting = dialog(page, 'Invite a member');
  const email = inviting.getByLabel('Email');
  const name = inviting.getByLabel('Name');

  await email.fill('ANA@example.org');
  await name.fill('Ana again');
  await press(inviting, 'Invite');
  await expect(email).toHaveAccessibleDescription('Another member has this e-mail address.');
  await expect(email).toBeFocused();
  await expect(name).toHaveValue('Ana again');

  await email.fill('bo@example.org');
  await name.fill('x'.repeat(10_000));
  await press(inviting, 'Invite');
  await expect(name).toHaveAccessibleDescription('Use at most 200 characters.');
  await expect(name).toBeFocused();

  await name.fill('x'.repeat(200));
  await context.setOffline(true);
  await press(inviting, 'Invite');
  await expect(inviting.getByRole('alert')).toContainText('You are offline');
  await context.setOffline(false);
  await press(inviting, 'Invite');
  await press(dialog(page, 'Invitation link'), 'Invite another');
  await expect(inviting.getByLabel('Email')).toBeFocused();
  await expect(inviting.getByLabel('Email')).toHaveValue('');
});

test('where there is a mail server, the link is mailed or it is said why not', async ({ page }) => {
  await page.route('/api/members?*', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), canMail: true } });
  });
  await signIn(page);
  await openMembers(page);
  await press(page, 'Invite');
  const inviting = dialog(page, 'Invite a member');
  await inviting.getByLabel('Email').fill('bo@example.org');
  await expect(inviting.getByLabel('Mail the link to them')).toBeChecked();
  await press(inviting, 'Invite');
  // This server has none after all, and says so of a field that has no place in the form.
  await expect(inviting.getByRole('alert')).toContainText('mail');

  // What becomes of a mail is another server's business, so its answers are played.
  for (const [mail, words] of [
    ['sent', 'Also mailed to sent@example.org.'],
    ['failed', "Couldn't send the mail"],
  ] as const) {
    await inviting.getByLabel('Email').fill(`${mail}@example.org`);
    await page.route(
      '/api/members',
      async (route) => {
        const asked = route.request().postDataJSON();
        expect(asked.mail).toBe(true);
        const response = await route.fetch({ postData: { ...asked, mail: false } });
        await route.fulfill({ response, json: { ...(await response.json()), mail } });
      },
      { times: 1 },
    );
    await press(inviting, 'Invite');
    await expect(page.getByRole('dialog')).toContainText(words);
    await press(page.getByRole('dialog'), 'Invite another');
  }
});

test('a new link makes the old one invalid', async ({ page, server, anotherBrowser }) => {
  const old = await invite(server, 'member', 'Bo Karlsson');
  await signIn(page);
  await openMembers(page);
  const managing = await manage(page, 'Bo Karlsson');
  await expect(managing.getByText(/^Invitation, expires/)).toBeVisible();
  await press(managing, 'New invitation link');
  const issuing = dialog(page, 'Invitation link');
  await expect(issuing).toContainText('The current link stops working.');
  await press(issuing, 'Create link');
  const link = await issuing.getByLabel('Link').inputValue();

  const theirs = await anotherBrowser();
  await theirs.goto(old);
  await expect(theirs.getByText("This link doesn't work")).toBeVisible();
  await theirs.goto(link);
  await theirs.getByLabel('Password').fill(PASSWORD);
  await press(theirs, 'Join');
  await expect(theirs).toHaveURL('/welcome');
});

test('a forgotten password is reset by a link', async ({ page, server, anotherBrowser }) => {
  const bo = await addMember(server, 'member', 'Bo Karlsson');
  const theirs = await anotherBrowser();
  await signIn(theirs, bo);
  await signIn(page);
  await openMembers(page);
  const managing = await manage(page, 'Bo Karlsson');
  await press(managing, 'Password reset link');
  await requireProofOnce(page, 'POST', '/api/members/*/link');
  const handing = dialog(page, 'Password reset link');
  await press(handing, 'Create link');
  await prove(page, 'Confirm and create');
  const link = await handing.getByLabel('Link').inputValue();
  await press(handing, 'Done');
  await expect(managing.getByText(/^Password reset, expires/)).toBeVisible();

  await theirs.reload();
  await expect(theirs, 'signed in until the link is used').toHaveURL('/account');
  const elsewhere = await anotherBrowser();
  await elsewhere.goto(link);
  await elsewhere.getByLabel('Password').fill(PASSWORD);
  await press(elsewhere, 'Set password');
  await expect(elsewhere.getByText('Your password is set. Sign in with it.')).toBeVisible();
  await theirs.reload();
  await expect(theirs.getByText(/Your password or second factor was changed/)).toBeVisible();
  await signIn(theirs, { ...bo, password: PASSWORD });
});

test('a role takes effect on the running session', async ({ page, server, anotherBrowser }) => {
  const bo = await addMember(server, 'member', 'Bo Karlsson');
  const theirs = await anotherBrowser();
  await signIn(theirs, bo);
  await theirs.goto('/settings/members');
  await expect(theirs, 'members see only their own account').toHaveURL('/account');

  await signIn(page);
  await openMembers(page);
  const managing = await manage(page, 'Bo Karlsson');
  const editing = await edit(page, managing);
  await editing.getByLabel('Role').selectOption('Admin');
  await editing.getByLabel('Name').fill('Bo K.');
  await requireProofOnce(page, 'PATCH', '/api/members/*');
  await press(editing, 'Save');
  await prove(page, 'Confirm and save');
  await expect(dialog(page, 'Bo K.').getByText('Saved')).toBeVisible();
  await expect(row(page, 'Bo K.')).toContainText('Admin');

  await theirs.goto('/settings/members');
  await theirs.getByRole('button', { name: 'Invite', exact: true }).waitFor();
});

test('sessions of a member are revoked, the number first', async ({
  page,
  server,
  anotherBrowser,
}) => {
  const bo = await addMember(server, 'member', 'Bo Karlsson');
  const theirs = await anotherBrowser();
  await signIn(theirs, bo);
  await signIn(page);
  await openMembers(page);
  const managing = await manage(page, 'Bo Karlsson');
  await press(managing, 'Sign out everywhere');
  const asking = dialog(page, 'Sign this person out everywhere?');
  await expect(asking).toContainText('This ends 1 session of Bo Karlsson at once.');
  await press(asking, 'Sign out 1 session');
  await expect(managing.getByText('1 session ended.')).toBeVisible();
  await expect(managing.getByText('Not signed in')).toBeVisible();
  await theirs.reload();
  await expect(theirs.getByText(/Ana signed you out everywhere/)).toBeVisible();
});

test('the last owner stays', async ({ page }) => {
  await signIn(page);
  await openMembers(page);
  const managing = await manage(page, 'Ana');
  const editing = await edit(page, managing);
  const role = editing.getByLabel('Role');
  await role.selectOption('Admin');
  await press(editing, 'Save');
  const giving = dialog(page, 'Give up your own role?');
  await expect(giving).toContainText('only another owner can give it to you again');
  await press(giving, 'Become an admin');
  await expect(role).toHaveAccessibleDescription(/^This is the last owner who can sign in\./);
  await expect(role).toBeFocused();

  await press(editing, 'Cancel');
  await press(managing, 'Block sign-in');
  const asking = dialog(page, 'Block your own sign-in?');
  await press(asking, 'Block sign-in');
  await expect(asking.getByRole('alert')).toContainText('This is the last owner who can sign in.');
  await press(asking, 'Cancel');
  await page.reload();
  await press(dialog(page, 'Ana'), 'Close'); // the address still names her
  await expect(row(page, 'Ana')).toContainText('Owner');
});

test('of two owners who demote each other at once, one wins', async ({ server }) => {
  const bo = await addMember(server, 'owner', 'Bo Karlsson');
  const { url } = server;
  for (let round = 0; round < 5; round++) {
    const [anas, bos] = await Promise.all([signInByProgram(server), signInByProgram(server, bo)]);
    const [ana, other] = await Promise.all([
      memberOf(server, anas, OWNER.email),
      memberOf(server, bos, bo.email),
    ]);
    const demote = (token: string, id: string) =>
      call(url, 'PATCH', `/api/members/${id}`, { role: 'admin' }, token).then(
        () => 'done',
        () => 'refused',
      );
    const outcome = await Promise.all([demote(anas, other.id), demote(bos, ana.id)]);
    expect(outcome.toSorted()).toEqual(['done', 'refused']);
    const [winner, loser] = outcome[0] === 'done' ? [anas, other] : [bos, ana];
    await call(url, 'PATCH', `/api/members/${loser.id}`, { role: 'owner' }, winner);
  }
});

test('one may lower oneself, and is told what that means', async ({ page, server }) => {
  await signIn(page, await addMember(server, 'admin', 'Bo Karlsson'));
  await openMembers(page);
  const managing = await manage(page, 'Bo Karlsson');
  const editing = await edit(page, managing);
  await expect(editing.getByLabel('Role').getByRole('option')).toHaveText([
    'Admin',
    'Auditor',
    'Member',
  ]);
  await editing.getByLabel('Name').fill('Bo the humble');
  await editing.getByLabel('Role').selectOption('Auditor');
  await press(editing, 'Save');
  await press(dialog(page, 'Give up your own role?'), 'Become an auditor');
  const drawer = dialog(page, 'Bo the humble');
  await expect(drawer.getByRole('button', { name: /Edit|Block/ })).toHaveCount(0);
  await press(drawer, 'Close');
  await expect(row(page, 'Bo the humble')).toContainText('Auditor');
  await expect(page.getByText('You can look, not change.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Invite' })).toHaveCount(0);
  await expect(page.getByRole('banner')).toContainText('Bo the humble');
});

test('one may sign oneself out everywhere', async ({ page, server }) => {
  await signInByProgram(server);
  await signIn(page);
  await openMembers(page);
  await press(await manage(page, 'Ana'), 'Sign out everywhere');
  const asking = dialog(page, 'Sign yourself out everywhere?');
  await expect(asking).toContainText('2 sessions of yours at once, this one included');
  await press(asking, 'Sign out 2 sessions');
  await expect(page).toHaveURL('/sign-in');
  await expect(
    page.getByText('You signed yourself out everywhere: 2 sessions ended.'),
  ).toBeVisible();
});

test('an admin touches no owner, and makes none', async ({ page, server }) => {
  await addMember(server, 'member', 'Chi Nguyen');
  await signIn(page, await addMember(server, 'admin', 'Bo Karlsson'));
  await openMembers(page);
  const hers = await manage(page, 'Ana');
  await expect(hers.getByText('Only owners can change an owner.')).toBeVisible();
  await expect(hers.getByRole('button')).toHaveText(['', '']); // Copy email, Close
  await press(hers, 'Close');
  const managing = await manage(page, 'Chi Nguyen');
  const editing = await edit(page, managing);
  await expect(editing.getByText('Only an owner makes an owner.')).toBeVisible();
  await expect(editing.getByRole('option', { name: 'Owner' })).toHaveCount(0);
  await press(editing, 'Cancel');
  await press(managing, 'Close');
  await press(page, 'Invite');
  await expect(page.getByRole('dialog').getByRole('option', { name: 'Owner' })).toHaveCount(0);
});

test('an auditor sees, and cannot', async ({ page, server }) => {
  await invite(server, 'member', 'Chi Nguyen');
  await signIn(page, await addMember(server, 'auditor', 'Bo Karlsson'));
  await openMembers(page);
  await expect(row(page, 'Chi Nguyen')).toContainText('Invited');
  await expect(page.getByText('You can look, not change.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Invite' })).toHaveCount(0);
  const drawer = await manage(page, 'Ana');
  await expect(drawer.getByText('Signed in on')).toHaveCount(0);
  await expect(drawer.getByRole('link', { name: 'All in the audit log' })).toBeVisible();
  await expect(drawer.getByRole('button')).toHaveText(['', '']); // Copy email, Close
});

// ASVS 3.2.2
test('names may be anything but endless', async ({ page, server }) => {
  const odd = ['<img src=x onerror=alert(1)>', 'שרה \u200fCohen', '👩‍🚀'.repeat(20), 'W'.repeat(200)];
  const token = await signInByProgram(server);
  for (const [i, name] of odd.entries()) {
    const email = `odd${i}@example.org`;
    await call(server.url, 'POST', '/api/members', { name, email, role: 'member' }, token);
  }
  await signIn(page);
  for (const width of [...WIDTHS, 320]) {
    await page.setViewportSize({ width, height: 800 });
    await openMembers(page);
    for (const name of odd) {
      await expect(opener(page, name)).toBeVisible();
    }
    const managing = await manage(page, 'W'.repeat(200));
    const overflow = await page.evaluate(() =>
      [document.documentElement, document.querySelector('dialog')].map(
        (each) => each && each.scrollWidth - each.clientWidth,
      ),
    );
    expect(overflow, `sideways at ${width} px`).toEqual([0, 0]);
    await press(managing, 'Close');
  }
  const editing = await edit(page, await manage(page, 'W'.repeat(200)));
  const name = editing.getByLabel('Name');
  await name.fill('W'.repeat(10_000));
  await press(editing, 'Save');
  await expect(name).toHaveAccessibleDescription('Use at most 200 characters.');
  await name.fill('  ');
  await press(editing, 'Save');
  await expect(name).toHaveAccessibleDescription('Enter a name.');
});

test('filters, the order and paging stand in the address', async ({ page, server }) => {
  await invite(server, 'admin', 'Bo Karlsson');
  await addMember(server, 'member', 'Chi Nguyen');
  await addMember(server, 'member', 'Dua Salim');
  await page.route('/api/members?*', (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set('limit', '2');
    return route.continue({ url: url.href });
  });
  await signIn(page);
  await openMembers(page);
  const names = page.getByRole('rowheader');
  await expect(page.getByText('2 of 4', { exact: true }).first()).toBeVisible();
  await press(page, 'Show more members');
  await expect(names).toHaveText([/Ana/, /Bo/, /Chi/, /Dua/]);
  await expect(page.getByText('4 members', { exact: true })).toBeVisible();

  await press(page, 'Name');
  await expect(page).toHaveURL('/settings/members?sort=name&order=desc');
  await expect(names).toHaveText([/Dua/, /Chi/]);
  await choose(page, 'Role', 'Member 2');
  await choose(page, 'State', 'Active 2');
  await expect(page).toHaveURL(/role=member&state=active/);
  await expect(page.getByText('2 members', { exact: true })).toBeVisible();
  await page.getByRole('searchbox').fill('chi');
  await expect(names).toHaveText([/Chi/]);

  await page.reload();
  await expect(names).toHaveText([/Chi/]);
  await expect(page.getByRole('button', { name: 'Role: Member' })).toBeVisible();
  await expect(page.getByRole('searchbox')).toHaveValue('chi');

  await page.getByRole('searchbox').fill('nobody at all');
  await expect(page.getByText('Nothing matches.')).toBeVisible();
  await page.getByRole('button', { name: 'Clear filters' }).last().click();
  await expect(names).toHaveText([/Dua/, /Chi/]);
  await page.goBack();
  await expect(page.getByRole('button', { name: 'State: Active' })).toBeVisible();
});

test('what the server refuses is said, and what was typed stays', async ({ page, server }) => {
  await addMember(server, 'member', 'Chi Nguyen');
  const bo = await addMember(server, 'admin', 'Bo Karlsson');
  await signIn(page, bo);
  await openMembers(page);
  const managing = await manage(page, 'Chi Nguyen');
  const editing = await edit(page, managing);
  await editing.getByLabel('Name').fill('Chi N.');

  // Meanwhile Bo has become an auditor.
  const token = await signInByProgram(server);
  const { id } = await memberOf(server, token, bo.email);
  await call(server.url, 'PATCH', `/api/members/${id}`, { role: 'auditor' }, token);
  await press(editing, 'Save');
  await expect(editing.getByRole('alert')).toContainText('You may not do this');
  await expect(editing.getByLabel('Name')).toHaveValue('Chi N.');
});

test('who comes back to the page sees what is so now, in the rows that were there', async ({
  page,
  server,
}) => {
  const bo = await addMember(server, 'member', 'Bo Karlsson');
  await addMember(server, 'member', 'Chi Nguyen');
  await signIn(page);
  await openMembers(page);
  const token = await signInByProgram(server);
  const { id } = await memberOf(server, token, bo.email);
  await call(server.url, 'PATCH', `/api/members/${id}`, { name: 'Zed' }, token);

  const asked = page.waitForRequest('/api/members?*');
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  expect((await asked).headers()['curfew-passive'], 'it is no access').toBe('true');
  await expect(page.getByRole('rowheader')).toHaveText([/Ana/, /Zed/, /Chi/]);
});

test('an outage is said, and not taken for a sign-out', async ({ page }) => {
  await signIn(page);
  await page.route('/api/members?*', (route) => route.abort(), { times: 1 });
  await page.goto('/settings/members');
  await expect(page.getByRole('alert')).toContainText('Curfew cannot be reached');
  await press(page, 'Retry');
  await row(page, 'Ana').waitFor();
});

test('an invitation needs no mouse', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signIn(page);
  await openMembers(page);
  const { keyboard } = page;
  const focused = (name: string) => expect(page.locator(':focus')).toHaveAccessibleName(name);

  await page.getByRole('button', { name: 'Invite', exact: true }).focus();
  await keyboard.press('Enter');
  await focused('Email');
  await keyboard.type('bo@example.org');
  await keyboard.press('Tab');
  await focused('Name');
  await keyboard.type('Bo Karlsson');
  await keyboard.press('Tab');
  await focused('Role');
  await keyboard.type('Aud');
  await keyboard.press('Tab');
  await focused('Cancel');
  await keyboard.press('Tab');
  await focused('Invite');
  await keyboard.press('Enter');
  await focused('Copy');
  await keyboard.press('Enter');
  await expect(page.getByText('Copied')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('#token=');
  await keyboard.press('Escape');
  await focused('Invite');
  await expect(row(page, 'Bo Karlsson')).toContainText('Auditor');

  await opener(page, 'Bo Karlsson').focus();
  await keyboard.press('Enter');
  await focused('Bo Karlsson Invited'); // the heading
  await dialog(page, 'Bo Karlsson').getByRole('button', { name: 'Delete invitation' }).focus();
  await keyboard.press('Enter');
  await focused('Cancel');
  await keyboard.press('Escape');
  await focused('Delete invitation');
  await keyboard.press('Escape');
  await focused('Bo Karlsson');
});

test('of members of one name, each button and each question says which', async ({
  page,
  server,
}) => {
  const [one, other] = [
    await addMember(server, 'member', 'Bo Karlsson'),
    await addMember(server, 'member', 'Bo Karlsson', 'bo@example.net'),
  ];
  await signIn(page);
  await openMembers(page);
  for (const { email } of [one, other]) {
    await opener(page, `Bo Karlsson, ${email}`).click();
    await expect(dialog(page, 'Bo Karlsson')).toContainText(email);
    for (const [action, title] of [
      ['Password reset link', 'Password reset link'],
      ['Block sign-in', 'Block sign-in and end all sessions?'],
    ] as const) {
      await press(dialog(page, 'Bo Karlsson'), action);
      await expect(dialog(page, title)).toContainText('Bo Karlsson');
      await expect(dialog(page, title)).toHaveAccessibleDescription(email);
      await press(dialog(page, title), 'Cancel');
    }
    await press(dialog(page, 'Bo Karlsson'), 'Close');
  }
});

test('a link leads to an open member, and Back closes the drawer', async ({ page, server }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  for (let i = 0; i < 30; i++) await invite(server, 'member', `Guest ${i}`, `g${i}@example.org`);
  await addMember(server, 'member', 'Zoe Quist');
  await signIn(page);
  await openMembers(page);
  await opener(page, 'Zoe Quist').scrollIntoViewIfNeeded();
  const place = () => page.evaluate(() => scrollY);
  const before = await place();
  expect(before).toBeGreaterThan(0);
  let lists = 0;
  page.on('request', (request) => {
    if (request.url().includes('/api/members?') && !request.headers()['curfew-passive']) lists++;
  });
  await manage(page, 'Zoe Quist');
  await expect(page).toHaveURL(/\/settings\/members\?member=[\w-]+$/);
  await expect(page.locator(':focus')).toHaveAccessibleName('Zoe Quist');
  await expect(page.locator(':focus')).toHaveRole('heading');
  const address = page.url();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page).toHaveURL('/settings/members');
  await expect(opener(page, 'Zoe Quist')).toBeFocused();
  expect(await place(), 'the list stays where it was').toBe(before);
  await manage(page, 'Zoe Quist');
  await page.goBack();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(lists, 'the list is not read again').toBe(0);

  // Even a member who is not in the list, by the address alone.
  await page.goto(`${address}&q=ana`);
  const drawer = dialog(page, 'Zoe Quist');
  await expect(drawer).toContainText('Joined');
  await expect(drawer).toContainText('invited by Ana');
  await press(drawer, 'Close');
  await expect(page).toHaveURL('/settings/members?q=ana');
  await page.goto('/settings/members?member=00000000-0000-7000-8000-000000000000');
  await expect(page.getByText('There is no such member.')).toBeVisible();
  await expect(page).toHaveURL('/settings/members');
});

test('one device of a member is signed out, with what they did last', async ({
  page,
  server,
  anotherBrowser,
}) => {
  const bo = await addMember(server, 'member', 'Bo Karlsson');
  const theirs = await anotherBrowser();
  await signIn(theirs, bo);
  await signInByProgram(server, bo);
  await signIn(page);
  await openMembers(page);
  const drawer = await manage(page, 'Bo Karlsson');
  await expect(drawer.getByText('Signed in on 2 devices')).toBeVisible();
  const activity = drawer.getByRole('region', { name: 'Recent activity' });
  await expect(activity.getByRole('listitem').first()).toHaveText(/^Bo Karlsson signed in/);
  await press(drawer, 'Sign out Headless Chrome on Linux, 127.0.0.1');
  await expect(drawer.getByText('Signed out Headless Chrome on Linux.')).toBeVisible();
  const heading = drawer.getByRole('heading', { name: 'Signed in on 1 device' });
  await expect(heading).toBeFocused();
  await expect(drawer.getByRole('button', { name: /^Sign out [^e]/ })).toHaveCount(1);
  await theirs.reload();
  await expect(theirs.getByText(/Ana ended this session/)).toBeVisible();
  await drawer.getByRole('link', { name: 'All in the audit log' }).click();
  await expect(page).toHaveURL(/\/settings\/audit\?member=/);
});

test('who has no second factor is found and exported', async ({ page, server }) => {
  await addMember(server, 'member', 'Bo Karlsson');
  await invite(server, 'member', '=1+1', 'chi@example.org');
  await signIn(page);
  await page.goto('/settings/members?secondFactor=none&state=active');
  await expect(page.getByRole('rowheader')).toHaveText([/Ana/, /Bo/]);
  await expect(row(page, 'Bo Karlsson')).toContainText('None');
  await choose(page, 'State: Active', 'Any');
  await expect(page.getByRole('rowheader')).toHaveCount(3);
  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export CSV' }).click();
  const file = await downloading;
  expect(file.suggestedFilename()).toBe('members.csv');
  const chunks: Buffer[] = [];
  for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
  const rows = Buffer.concat(chunks).toString().trim().split('\r\n');
  expect(rows).toHaveLength(4);
  expect(rows[1]).toContain("'=1+1");
  await choose(page, 'Second factor: None', 'App 0');
  await expect(page.getByText('Nothing matches.')).toBeVisible();
});

test('at least 12 members are in sight, each in one line', async ({ page, server }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  for (let i = 0; i < 20; i++) {
    const name = i % 2 ? 'ع'.repeat(80) : 'Long '.repeat(16);
    await invite(server, 'member', name, `guest${i}@${'sub.'.repeat(20)}example.org`);
  }
  await signIn(page);
  await openMembers(page);
  const heights = await page
    .getByRole('row')
    .evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect()));
  expect(heights.filter(({ bottom }) => bottom <= 800).length).toBeGreaterThan(12);
  for (const { height } of heights.slice(1)) expect(height).toBeLessThanOrEqual(41);
});
