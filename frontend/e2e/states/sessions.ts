import type { Page } from '@playwright/test';
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
      await page.getByText('You', { exact: true }).waitFor();
    },
  },
  {
    name: 'sessions-selected',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/sessions?q=okafor');
      await selectAll(page);
      await page.getByRole('button', { name: 'Revoke 3 sessions' }).waitFor();
    },
  },
  {
    name: 'sessions-revoke',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/sessions');
      await selectAll(page);
      await page.getByRole('button', { name: 'Revoke 4 sessions' }).click();
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
      await page.getByRole('button', { name: 'Sign this person out everywhere' }).waitFor();
    },
  },
  {
    name: 'sessions-revoke-one',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/sessions?q=okafor');
      await page
        .getByRole('button', { name: /^Revoke A program/ })
        .first()
        .click();
      await page.getByText('2 other sessions of this member stay.').waitFor();
    },
  },
  {
    name: 'sessions-all-that-match',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/sessions');
      await page
        .getByRole('checkbox', { name: /^Select A program/ })
        .first()
        .check();
      await page.getByRole('button', { name: 'Select all 5' }).click();
      await page.getByText('All 5 that match').waitFor();
    },
  },
  {
    name: 'sessions-would-end',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/sessions?endsUnder=1m,norefresh');
      await page.getByText('Would end now').waitFor();
      await page.getByText('Nothing matches.').waitFor();
    },
  },
  {
    name: 'sessions-menu',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/sessions');
      await page.getByText('5 sessions').waitFor();
      const filter = page.getByRole('search').getByRole('button', { name: /^(Device|Filter)$/ });
      await filter.filter({ visible: true }).click();
    },
  },
  {
    name: 'sessions-loading',
    enter: async (page) => {
      await signIn(page);
      await page.route('/api/sessions?*', () => {});
      await page.goto('/settings/sessions');
      await page.locator('tr.skeleton').first().waitFor();
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
      await page.getByText('You', { exact: true }).waitFor();
    },
  },
];

/** Ben with three sessions, and the owner with one next to the page's own. */
async function addSessions(server: Server) {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  for (let i = 0; i < 3; i++) await signInByProgram(server, ben);
  await signInByProgram(server);
}

/** On a phone there is no head with a box for all. */
async function selectAll(page: Page) {
  const boxes = page.getByRole('checkbox', { name: /^Select A program/ });
  await boxes.first().waitFor();
  for (const box of await boxes.all()) await box.check();
}
