import { getSetup } from '$lib/api/setup';

interface Setup {
  organization?: { name: string; helpContact?: string };
}

/** The page is of use in an outage too, without the organization's name. */
export async function load() {
  const setup = (await getSetup().catch(() => null)) as Setup | null;
  return { organization: setup?.organization };
}
