import { signIn } from '../journey';
import { addMember, signInByProgram, type Server } from '../server';
import type { State } from './state';

export const sessions: State[] = [
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
];

/** Ben with three sessions, and the owner with one next to the page's own. */
async function addSessions(server: Server) {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  for (let i = 0; i < 3; i++) await signInByProgram(server, ben);
  await signInByProgram(server);
}
