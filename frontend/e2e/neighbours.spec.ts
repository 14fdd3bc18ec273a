import { expect, sendSignIn, test as base } from './journey';
import { Server } from './server';

const test = base.extend({
  server: async ({ data }, use) => {
    const server = await Server.startWith(data, 'curfew.example.localhost');
    await use(server);
    await server.dispose();
  },
});

// ASVS 14.3.1
test('signing out leaves the cookies of a neighbouring host, and the browser known', async ({
  page,
  context,
}) => {
  // A host of the same registrable domain.
  const neighbour = { domain: 'wiki.example.localhost', path: '/', httpOnly: true };
  await context.addCookies([{ name: 'wiki_session', value: 'kept', ...neighbour }]);
  await sendSignIn(page);
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();

  const names = async () => (await context.cookies()).map(({ name }) => name).sort();
  const kept = ['__Host-curfew_device', 'wiki_session'];
  expect(await names()).toEqual(['__Host-curfew_access', '__Host-curfew_refresh', ...kept].sort());
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/sign-in/);
  await expect.poll(names).toEqual(kept);
});
