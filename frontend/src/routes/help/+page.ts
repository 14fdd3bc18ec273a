import { getSetup } from '$lib/api/setup';

/** The page is of use in an outage too, without the organization's name. */
export async function load() {
  const setup = await getSetup().catch(() => null);
  return { organization: setup?.organization };
}
