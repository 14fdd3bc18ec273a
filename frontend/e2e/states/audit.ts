import { expect, length, save, signIn } from '../journey';
import { addMember, signInByProgram, type Server } from '../server';
import type { State } from './state';

export const audit: State[] = [
  {
    name: 'audit',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/audit');
      await page.getByText('Ana set up the organization').waitFor();
      await page.getByText('Log verified').waitFor();
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
      await page.getByText('Ana changed the session configuration').click();
      await page.getByText('Exact time').waitFor();
    },
  },
  {
    name: 'audit-folded',
    enter: async (page, server) => {
      await addSessions(server);
      await signIn(page);
      await page.goto('/settings/audit');
      await page.getByText('members signed in').click();
      await page.getByText('Ben Okafor signed in').first().click();
      await page.getByText('Exact time').waitFor();
    },
  },
  {
    name: 'audit-exporting',
    enter: async (page) => {
      await signIn(page);
      await page.goto('/settings/audit');
      await page.getByText('Log verified').waitFor();
      await page.getByRole('button', { name: 'Export' }).click();
      await page.getByRole('menuitem').first().waitFor();
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
      if ((page.viewportSize()?.width ?? 0) < 640) {
        await page.getByRole('button', { name: 'Filter', exact: true }).click();
      }
      await page.getByRole('button', { name: 'Member', exact: true }).click();
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
      await page.getByText(/^The log was altered at entry 4,?711/).waitFor();
    },
  },
];

/** Ben with three sessions, and the owner with one next to the page's own. */
async function addSessions(server: Server) {
  const ben = await addMember(server, 'member', 'Ben Okafor');
  for (let i = 0; i < 3; i++) await signInByProgram(server, ben);
  await signInByProgram(server);
}
