import { expect, signIn } from '../journey';
import { addMember, invite, removeByProgram, signInByProgram } from '../server';
import type { State } from './state';

export const members: State[] = [
  {
    name: 'members',
    enter: async (page, server) => {
      await signInByProgram(server, await addMember(server, 'admin', 'Bo Karlsson'));
      await addMember(server, 'member', 'Chi Nguyen');
      await invite(server, 'auditor', 'Dua Salim');
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('link', { name: 'Dua Salim' }).waitFor();
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
    name: 'members-filter',
    enter: async (page, server) => {
      await invite(server, 'auditor', 'Dua Salim');
      await signIn(page);
      await page.goto('/settings/members?secondFactor=none');
      const filter = page.getByRole('button', { name: /^(State|Filter \(1\))$/ });
      await filter.filter({ visible: true }).click();
      await page.getByRole('option', { name: 'Invited' }).first().waitFor({ state: 'attached' });
    },
  },
  {
    name: 'members-error',
    enter: async (page) => {
      await signIn(page);
      await page.route('/api/members?*', (route) => route.abort());
      await page.goto('/settings/members');
      await page.getByRole('button', { name: 'Retry' }).waitFor();
    },
  },
  {
    name: 'member-drawer-long',
    enter: async (page, server) => {
      await invite(server, 'auditor', 'ع'.repeat(80), 'long@example.org');
      await signIn(page);
      await page.goto('/settings/members?q=long');
      await page.getByRole('rowheader').getByRole('link').click();
      await page.getByText(/^Invitation, expires/).waitFor();
    },
  },
  {
    name: 'member-drawer-auditor',
    enter: async (page, server) => {
      await signIn(page, await addMember(server, 'auditor', 'Chi Nguyen'));
      await page.goto('/settings/members');
      await page.getByRole('link', { name: 'Ana', exact: true }).click();
      await page.getByText('Recent activity').waitFor();
    },
  },
  {
    name: 'members-invite',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('button', { name: 'Invite', exact: true }).click();
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
      await page.getByRole('button', { name: 'Invite', exact: true }).click();
      await page.getByRole('dialog').getByLabel('Email').fill('bo@example.org');
      await page.getByRole('dialog').getByRole('button', { name: 'Invite' }).click();
      await page.getByRole('dialog').getByLabel('Link').waitFor();
    },
  },
  {
    name: 'member-drawer',
    enter: async (page, server) => {
      await signInByProgram(server, await addMember(server, 'admin', 'Bo Karlsson'));
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('link', { name: 'Bo Karlsson', exact: true }).click();
      await page.getByText('Signed in on 1 device').waitFor();
      await page.getByText('Bo Karlsson signed in').first().waitFor();
    },
  },
  {
    name: 'members-block',
    enter: async (page, server) => {
      await signInByProgram(server, await addMember(server, 'admin', 'Bo Karlsson'));
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('link', { name: 'Bo Karlsson', exact: true }).click();
      await page.getByRole('button', { name: 'Block sign-in' }).click();
      await page.getByText('1 session ends at once').waitFor();
    },
  },
  {
    name: 'members-remove',
    enter: async (page, server) => {
      await signInByProgram(server, await addMember(server, 'admin', 'Bo Karlsson'));
      await signIn(page);
      await page.goto('/settings/members');
      await page.getByRole('link', { name: 'Bo Karlsson', exact: true }).click();
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
      await page.getByRole('link', { name: 'Dua Salim', exact: true }).click();
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
      await page.getByRole('button', { name: 'Invite', exact: true }).click();
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
      await page.getByRole('link', { name: 'Bo Karlsson', exact: true }).click();
      await page.getByRole('button', { name: 'Edit name, email and role' }).click();
      await expect(page.getByRole('dialog').getByRole('textbox', { name: 'Email' })).toBeFocused();
    },
  },
];
