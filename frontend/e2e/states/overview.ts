import type { Page } from '@playwright/test';
import { signIn } from '../journey';
import { addMember } from '../server';
import type { State } from './state';

export async function openOverview(page: Page) {
  await page.goto('/overview');
  await page.getByRole('heading', { name: 'Overview', exact: true }).waitFor();
}

const LONG = 'Donaudampfschifffahrtsgesellschaftskapitänswitwenrentenauszahlungsstelle-Süd-Ost';
const DAY = 86_400_000;

/**
 * A month cannot be had without waiting, so it is put into the answer on its way: two falls, all
 * that may need attention, and names that are long or Arabic.
 */
export async function playMonth(page: Page) {
  await page.route('/api/overview?*', async (route) => {
    const response = await route.fetch();
    const real = await response.json();
    const today = Date.parse(real.days.at(-1).date);
    const date = (ago: number) => new Date(today - ago * DAY).toISOString().slice(0, 10);
    const days = Array.from({ length: 30 }, (_, i) => ({
      date: date(29 - i),
      sessions:
        i < 9 ? 400 + 12 * i : i === 9 ? 140 : i < 20 ? 300 + 90 * (i - 9) : 700 + 50 * (i - 20),
      members: 150 + i,
      signIns: 20 + ((i * 37) % 60),
    }));
    const entry = { target: 'organization', address: '', hash: '', client: undefined };
    const actor = (name: string) => ({ id: '018f0000-0000-7000-8000-000000000000', name });
    const marks = [
      {
        ...entry,
        sequence: 9001,
        at: `${date(9)}T10:00:00Z`,
        action: 'policy.saved',
        actor: actor(LONG),
        details: { before: { sessionLength: '30 days' }, after: { sessionLength: '14 days' } },
      },
      {
        ...entry,
        sequence: 9000,
        at: `${date(20)}T10:00:00Z`,
        action: 'sessions.revoked_all',
        actor: actor('عبد الرحمن بن خالد'),
        details: { sessionsEnded: 500, membersSignedOut: 150 },
      },
    ];
    const kinds = ['clock', 'data_folder', 'mail', 'log_unverified'];
    const hints = [
      ...kinds.map((kind) => ({ kind, count: 120 })),
      { kind: 'second_factor', count: 146, admins: 2 },
      { kind: 'backup', at: new Date(today - 34 * DAY).toISOString() },
    ];
    const live = { sessions: 1201, members: 179 };
    const activeMembers = [actor(LONG), { id: 'b', name: 'عبد الرحمن بن خالد' }];
    const json = {
      ...real,
      days,
      marks,
      hints,
      good: ['https', 'log'],
      live,
      membersTotal: 187,
      newToday: 37,
      active: 23,
      activeMembers,
      changes: [...marks, ...real.changes].slice(0, 5),
    };
    delete json.setUp;
    return route.fulfill({ response, json });
  });
}

export const overview: State[] = [
  {
    name: 'overview-new',
    enter: async (page) => {
      await signIn(page);
      await openOverview(page);
    },
  },
  {
    name: 'overview',
    enter: async (page) => {
      await signIn(page);
      await playMonth(page);
      await openOverview(page);
    },
  },
  {
    name: 'overview-sign-ins',
    enter: async (page, server) => {
      await signIn(page, await addMember(server, 'auditor', 'Chi Nguyen'));
      await playMonth(page);
      await openOverview(page);
      await page.getByRole('button', { name: 'Sign-ins' }).click();
    },
  },
  {
    name: 'overview-outage',
    enter: async (page) => {
      await signIn(page);
      await page.route('/api/overview?*', (route) => route.abort());
      await openOverview(page);
      await page.getByRole('button', { name: 'Retry' }).waitFor();
    },
  },
];
