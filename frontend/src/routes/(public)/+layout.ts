import { getSetup } from '$lib/api/setup';

/** How long the name of the organization is waited for, in milliseconds. */
const PATIENCE = 500;

/** Who the organization is, if that is known in time. The forms work without it. */
export async function load() {
  const late = new Promise<null>((resolve) => setTimeout(resolve, PATIENCE, null));
  const setup = await Promise.race([getSetup().catch(() => null), late]);
  return { setupRequired: setup?.required ?? false, organization: setup?.organization };
}
