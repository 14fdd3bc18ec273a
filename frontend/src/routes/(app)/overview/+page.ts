import { redirect } from '@sveltejs/kit';
import { loadOverview, type Overview } from '$lib/api/overview';
import { endsSession, isRestricted } from '$lib/api/problem';
import { secondFactorPath, signInPath } from '$lib/session/return-to';

/** What the page shows: an error takes the place of the overview. */
interface Read {
  overview: Overview | null;
  error: unknown;
}

/** Reads the overview before the page is shown, so that nothing moves. */
export async function load({ url }): Promise<Read> {
  try {
    return { overview: await loadOverview(), error: null };
  } catch (error) {
    if (isRestricted(error)) redirect(307, secondFactorPath(url));
    if (endsSession(error)) redirect(307, signInPath(url));
    return { overview: null, error };
  }
}
