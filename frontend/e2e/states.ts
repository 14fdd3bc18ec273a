import type { Page } from '@playwright/test';
import { Authenticator } from './authenticator';
import {
  effect,
  expect,
  length,
  limited,
  meaning,
  playEffect,
  playExpiring,
  plugIn,
  refuseSettings,
  requireProofOnce,
  revokeAll,
  save,
  sendSignIn,
  signIn,
  signInAgain,
  unit,
} from './journey';
import {
  addFactor,
  addMember,
  deactivateByProgram,
  demandFactors,
  invite,
  OWNER,
  removeByProgram,
  revokeAllByProgram,
  saveByProgram,
  signInByProgram,
  type Server,
} from './server';

interface State {
  name: string;
  enter: (page: Page, server: Server) => Promise<void>;
}

/**
 * Every page and main state, for those who look at all of them: axe, narrow screens, screenshots.
 */
export const STATES: State[] = [
  {
    name: 'sign-in',
    enter: async (page) => {
      await page.goto('/sign-in');
      await page.getByLabel('Email').waitFor();
    },
  },
  {
    name: 'sign-in-wrong-password',
    enter: async (page) => {
      await page.goto('/sign-in');
      await page.getByLabel('Email').fill('ana@example.org');
      await page.getByLabel('Password').fill('not the password');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').waitFor();
    },
  },
  {
    name: 'sign-in-code',
    enter: async (page, server) => {
      await addFactor(server);
      await sendSignIn(page);
      await page.getByLabel('Code').fill('000000');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText(/^The code is wrong/).waitFor();
    },
  },
  { name: 'security', enter: (page) => signIn(page) },
  {
    name: 'security-saved',
    enter: async (page) => {
      await signIn(page);
      await length(page).fill('12');
      await save(page).click();
      await expect(page.getByText('Saved', { exact: true })).toBeVisible();
    },
  },
  {
    name: 'security-changed',
    enter: async (page) => {
      await signIn(page);
      await length(page).fill('3');
      await expect(meaning(page)).toContainText('for 3 days after their last visit');
      await page.getByText('Saving signs nobody out at once.').waitFor();
    },
  },
  {
    name: 'security-signs-out',
    enter: async (page) => {
      await signIn(page);
      await playEffect(page, 7, true);
      await length(page).fill('3');
      await limited(page).check();
      await page.getByText('Saving signs out 7 sessions').waitFor();
      await effect(page).getByText('Show as table').click();
    },
  },
  {
    name: 'security-guidelines',
    enter: async (page) => {
      await signIn(page);
      await page.getByRole('button', { name: /for NIST SP 800-63B-4, AAL2/ }).click();
      await page.getByText('Saving signs nobody out at once.').waitFor();
      for (const summary of [/more not met$/, /^\d+ met$/]) await page.getByText(summary).click();
    },
  },
  {
    name: 'security-much-shorter',
    enter: async (page) => {
      await signIn(page);
      await playEffect(page, 7);
      await length(page).fill('42');
      await unit(page).selectOption('minutes');
      await save(page).click();
      await page.getByRole('dialog').getByLabel('Type the new number').fill('24');
    },
  },
  {
    name: 'security-no-preview',
    enter: async (page) => {
      await page.route('/api/settings/security/preview', (route) => route.abort());
      await signIn(page);
      await length(page).fill('3');
      await page.getByText('The effect cannot be worked out now.').waitFor();
    },
  },
  {
    name: 'security-invalid',
    enter: async (page) => {
      await signIn(page);
      await length(page).fill('999');
      await save(page).click();
      await page.getByText('Enter a whole number from 1 to 365 days.').waitFor();
    },
  },
  {
    name: 'security-stale',
    enter: async (page, server) => {
      await signIn(page);
      await length(page).fill('5');
      await saveByProgram(server, await addMember(server, 'admin', 'Ben Okafor'));
      await page.getByRole('button', { name: 'Use theirs' }).waitFor();
    },
  },
  {
    name: 'security-changed-by-another',
    enter: async (page, server) => {
      await signIn(page);
      await saveByProgram(server, await addMember(server, 'admin', 'Ben Okafor'));
      await page.getByText(/^Ben Okafor saved a change at /).waitFor();
    },
  },
  {
    name: 'ended',
    enter: async (page, server) => {
      await signIn(page);
      await length(page).fill('5');
      await revokeAllByProgram(server);
      await signInAgain(page).getByLabel('Password').waitFor();
    },
  },
  {
    name: 'ended-wrong-password',
    enter: async (page, server) => {
      await signIn(page);
      await revokeAllByProgram(server);
      await signInAgain(page).getByLabel('Password').fill('not the password');
      await signInAgain(page).getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByText('The password is wrong. Try again.').waitFor();
    },
  },
  {
    name: 'ended-deactivated',
    enter: async (page, server) => {
      const member = await addMember(server, 'member', 'Ben Okafor');
      await signIn(page, member);
      await deactivateByProgram(server, member.email);
      await page.getByRole('dialog', { name: 'You are signed out' }).waitFor();
    },
  },
  {
    name: 'expiring',
    enter: async (page) => {
      await signIn(page);
      await playExpiring(page, 240);
      await page.getByRole('button', { name: 'Stay signed in' }).waitFor();
    },
  },
  {
    name: 'expiring-for-good',
    enter: async (page, server) => {
      await saveByProgram(server, OWNER, { refreshAutomatically: false });
      await signIn(page);
      await playExpiring(page, 230);
      await page.getByRole('button', { name: 'Sign in again now' }).click();
      await signInAgain(page).getByLabel('Password').waitFor();
    },
  },
  {
    name: 'security-proof',
    enter: async (page) => {
      await signIn(page);
      await requireProofOnce(page);
      await length(page).fill('30');
      await save(page).click();
      await page.getByRole('dialog').getByLabel('Password').fill('not the password');
      await page.getByRole('button', { name: 'Confirm and save' }).click();
      await page.getByText('The password is wrong. Try again.').waitFor();
    },
  },
  {
    name: 'security-offline',
    enter: async (page) => {
      await signIn(page);
      await length(page).fill('3');
      await page.context().setOffline(true);
      await save(page).click();
      await page.getByRole('button', { name: 'Retry' }).waitFor();
    },
  },
  {
    name: 'security-server-down',
    enter: async (page, server) => {
      await signIn(page);
      await length(page).fill('3');
      await server.stop();
      await save(page).click();
      await page.getByText('Curfew cannot be reached').waitFor();
    },
  },
  {
    name: 'account',
    enter: async (page, server) => {
      await signInByProgram(server);
      await signIn(page);
      await page.getByRole('link', { name: 'Your account' }).click();
      await page.getByText('A program (curl)', { exact: true }).waitFor();
      await page.getByText('You set up the organization').waitFor();
    },
  },
  {
    name: 'account-second-factor',
    enter: async (page, server) => {
      await plugIn(page);
      await signIn(page);
      await page.goto('/account');
      await page.getByLabel('Name of the device').fill('Laptop');
      await page.getByRole('button', { name: 'Add a passkey' }).click();
      await page.getByText('Laptop signs you in from now on.').waitFor();
      await addFactor(server);
      await page.reload();
      await page.getByText('10 recovery codes left.').waitFor();
      await page.getByRole('button', { name: 'Remove Laptop' }).waitFor();
      await page.getByText('How you sign in has changed').waitFor();
    },
  },
  {
    name: 'account-enrolling',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/account');
      await page.getByRole('button', { name: 'Set up a second factor' }).click();
      await page.getByRole('img', { name: /^QR code/ }).waitFor();
    },
  },
  {
    name: 'second-factor-choice',
    enter: async (page, server) => {
      await demandFactors(server);
      await sendSignIn(page);
      await page.getByRole('button', { name: 'Set up an app' }).waitFor();
    },
  },
  {
    name: 'second-factor',
    enter: async (page, server) => {
      await demandFactors(server);
      await sendSignIn(page);
      await page.getByRole('button', { name: 'Set up an app' }).click();
      const secret = await page.getByText(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/).textContent();
      await page.getByLabel('Code', { exact: true }).fill(new Authenticator(secret ?? '').code());
      await page.getByRole('button', { name: 'Turn on' }).click();
      await page.getByRole('list', { name: 'Recovery codes' }).waitFor();
    },
  },
  {
    name: 'account-only-session',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/account');
      await page.getByText('You are signed in nowhere else.').waitFor();
      await page.getByLabel('Current password').fill('not the password');
      await page.getByLabel('New password').fill('another horse battery staple');
      await page.getByRole('button', { name: 'Change password' }).click();
      await page.getByText('The password is wrong. Try again.').waitFor();
    },
  },
  {
    name: 'account-signed-out-others',
    enter: async (page, server) => {
      await signInByProgram(server);
      await signIn(page);
      await page.goto('/account');
      await page.getByRole('button', { name: 'Sign out all others' }).click();
      await page.getByText('1 other session was signed out.').waitFor();
      await page.getByText('You ended one of your sessions').waitFor();
    },
  },
  {
    name: 'account-outage',
    enter: async (page) => {
      await signIn(page);
      await page.route('/api/sessions', (route) => route.abort());
      await page.route('/api/account/activity?*', (route) => route.abort());
      await page.goto('/account');
      await expect(page.getByRole('button', { name: 'Retry' })).toHaveCount(2);
    },
  },
  {
    name: 'members',
    enter: async (page, server) => {
      await signInByProgram(server, await addMember(server, 'admin', 'Bo Karlsson'));
      await addMember(server, 'member', 'Chi Nguyen');
      await invite(server, 'auditor', 'Dua Salim');
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('button', { name: 'Manage Dua Salim' }).waitFor();
    },
  },
  {
    name: 'members-nothing-matches',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/settings/members?q=nobody+at+all&role=admin');
      await page.getByText('Nothing matches.').waitFor();
    },
  },
  {
    name: 'members-auditor',
    enter: async (page, server) => {
      await signIn(page, await addMember(server, 'auditor', 'Chi Nguyen'));
      await page.goto('/settings/members');
      await page.getByRole('rowheader', { name: 'Ana' }).waitFor();
    },
  },
  {
    name: 'members-invite',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('button', { name: 'Invite a member' }).click();
      await page.getByRole('dialog').getByLabel('Email').fill('ana@example.org');
      await page.getByRole('dialog').getByRole('button', { name: 'Invite' }).click();
      await page.getByText('Another member has this e-mail address.').waitFor();
    },
  },
  {
    name: 'members-invited',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('button', { name: 'Invite a member' }).click();
      await page.getByRole('dialog').getByLabel('Email').fill('bo@example.org');
      await page.getByRole('dialog').getByRole('button', { name: 'Invite' }).click();
      await page.getByRole('dialog').getByLabel('Link').waitFor();
    },
  },
  {
    name: 'members-manage',
    enter: async (page, server) => {
      await signInByProgram(server, await addMember(server, 'admin', 'Bo Karlsson'));
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('button', { name: 'Manage Bo Karlsson' }).click();
      await page.getByText('1 live session').waitFor();
    },
  },
  {
    name: 'members-deactivate',
    enter: async (page, server) => {
      await signInByProgram(server, await addMember(server, 'admin', 'Bo Karlsson'));
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('button', { name: 'Manage Bo Karlsson' }).click();
      await page.getByRole('button', { name: 'Deactivate' }).click();
      await page.getByText('1 session ends at once').waitFor();
    },
  },
  {
    name: 'members-remove',
    enter: async (page, server) => {
      await signInByProgram(server, await addMember(server, 'admin', 'Bo Karlsson'));
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('button', { name: 'Manage Bo Karlsson' }).click();
      await page.getByRole('button', { name: 'Remove member' }).click();
      await page.getByText('1 session ends at once').waitFor();
    },
  },
  {
    name: 'members-removed',
    enter: async (page, server) => {
      await invite(server, 'auditor', 'Dua Salim');
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('button', { name: 'Manage Dua Salim' }).click();
      for (const dialog of ['Dua Salim', 'Delete this invitation?']) {
        const opened = page.getByRole('dialog', { name: dialog });
        await opened.getByRole('button', { name: 'Delete invitation' }).click();
      }
      await page.getByText('The invitation of dua.salim@example.org is deleted.').waitFor();
    },
  },
  {
    name: 'members-reuse-address',
    enter: async (page, server) => {
      await removeByProgram(server, (await addMember(server, 'member', 'Bo Karlsson')).email);
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('button', { name: 'Invite a member' }).click();
      await page.getByRole('dialog').getByLabel('Email').fill('bo.karlsson@example.org');
      await page.getByRole('dialog').getByRole('button', { name: 'Invite' }).click();
      await page.getByText('Give it to this person anyway?').waitFor();
    },
  },
  {
    name: 'members-address-to-settle',
    enter: async (page, server) => {
      await invite(server, 'member', 'Bo Karlsson');
      await signIn(page);
      await page.route(/\/api\/members[/?]/, async (route) => {
        const response = await route.fetch();
        const json = await response.json();
        for (const member of json.items ?? [json]) member.addressIssue = 'shared';
        await route.fulfill({ response, json });
      });
      await page.goto('/settings/members');
      await page.getByRole('button', { name: 'Manage Bo Karlsson' }).click();
      await expect(page.getByRole('dialog').getByLabel('Email')).toBeFocused();
    },
  },
  {
    name: 'members-organization',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('button', { name: 'Rename organization' }).click();
      await page.getByRole('dialog').getByLabel('Name').waitFor();
    },
  },
  {
    name: 'accept-invitation',
    enter: async (page, server) => {
      await page.goto(await invite(server, 'member', 'Bo Karlsson'));
      await page.getByLabel('Password').fill('not long');
    },
  },
  {
    name: 'accept-invitation-dead-link',
    enter: async (page) => {
      await page.goto('/accept-invitation#token=altered');
      await page.getByLabel('Password').fill('a password of my own');
      await page.getByRole('button', { name: 'Set password' }).click();
      await page.getByText('This link does not work').waitFor();
    },
  },
  {
    name: 'sessions',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/sessions');
      await page.getByText('This session').waitFor();
    },
  },
  {
    name: 'sessions-picked',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/sessions?q=okafor');
      await page.getByRole('checkbox', { name: 'Pick all sessions shown' }).check();
      await page.getByRole('button', { name: 'Revoke 3 sessions' }).waitFor();
    },
  },
  {
    name: 'sessions-revoke',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/sessions');
      await page.getByRole('checkbox', { name: 'Pick all sessions shown' }).check();
      await page.getByRole('button', { name: 'Revoke 5 sessions' }).click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'sessions-of-member',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/sessions');
      await page.getByRole('link', { name: 'Ben Okafor' }).first().click();
      await page.getByRole('button', { name: 'Revoke all of theirs' }).waitFor();
    },
  },
  {
    name: 'sessions-nothing-matches',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/settings/sessions?q=nobody');
      await page.getByText('Nothing matches.').waitFor();
    },
  },
  {
    name: 'sessions-outage',
    enter: async (page) => {
      await signIn(page);
      await page.route('/api/sessions?*', (route) => route.abort());
      await page.goto('/settings/sessions');
      await page.getByRole('button', { name: 'Retry' }).waitFor();
    },
  },
  {
    name: 'sessions-auditor',
    enter: async (page, server) => {
      await signIn(page, await addMember(server, 'auditor', 'Chi Nguyen'));
      await page.goto('/settings/sessions');
      await page.getByText('This session').waitFor();
    },
  },
  {
    name: 'audit',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/audit');
      await page.getByText('Ana set up the organization').waitFor();
      await page.getByText(/^Intact:/).waitFor();
    },
  },
  {
    name: 'audit-details',
    enter: async (page) => {
      await signIn(page);
      await length(page).fill('12');
      await save(page).click();
      await expect(page.getByText('Saved', { exact: true })).toBeVisible();
      await page.goto('/settings/audit');
      await page.getByText('Ana saved the session configuration').click();
      await page.getByRole('table', { name: 'What changed' }).waitFor();
    },
  },
  {
    name: 'audit-choosing-dates',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/settings/audit');
      await page.getByRole('button', { name: 'Dates…' }).click();
      await page.getByText('Ana set up the organization').waitFor();
    },
  },
  {
    name: 'audit-choosing-member',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/audit');
      await page.getByRole('combobox', { name: 'Member' }).fill('a');
      await page.getByRole('option').first().waitFor();
    },
  },
  {
    name: 'audit-nothing-matches',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/settings/audit?action=member.invited');
      await page.getByText('Nothing matches.').waitFor();
    },
  },
  {
    name: 'audit-broken',
    enter: async (page) => {
      await page.route('/api/audit/chain', (route) =>
        route.fulfill({
          json: {
            entries: 12345,
            intact: false,
            head: 'c0ffee'.repeat(10),
            checkedAt: new Date().toISOString(),
            broken: { sequence: 4711, reason: 'The entry was altered after it was sealed.' },
          },
        }),
      );
      await signIn(page);
      await page.goto('/settings/audit');
      await page.getByText(/^Broken at entry 4,?711/).waitFor();
    },
  },
  {
    name: 'outage',
    enter: async (page) => {
      await signIn(page);
      await page.route('/api/session', (route) => route.abort());
      await page.reload();
      await page.getByRole('button', { name: 'Retry' }).waitFor();
    },
  },
  {
    name: 'refused',
    enter: async (page) => {
      await signIn(page);
      await refuseSettings(page);
      await page.reload();
      await page.getByText('You may not do this').waitFor();
    },
  },
  {
    name: 'auditor',
    enter: async (page, server) => {
      await signIn(page, await addMember(server, 'auditor', 'Chi Nguyen'));
      await expect(save(page)).toBeDisabled();
    },
  },
  {
    name: 'unknown-page',
    enter: async (page) => {
      await page.goto('/settings/nowhere');
      await page.getByText('There is no such page').waitFor();
    },
  },
  {
    name: 'revoke-all',
    enter: async (page) => {
      await signIn(page);
      await revokeAll(page).click();
      await page.getByRole('dialog').getByText('This ends 1 session of 1 member').waitFor();
    },
  },
  {
    name: 'revoked',
    enter: async (page) => {
      await signIn(page);
      await revokeAll(page).click();
      await revokeAll(page.getByRole('dialog')).click();
      await page.getByText('You signed everyone out').waitFor();
    },
  },
];

/** Ben with three sessions, and the owner with one next to the page's own. */
async function addSessions(server: Server) {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  for (let i = 0; i < 3; i++) await signInByProgram(server, ben);
  await signInByProgram(server);
}
