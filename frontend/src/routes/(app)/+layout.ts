import { redirect } from '@sveltejs/kit';
import { endsSession } from '$lib/api/problem';
import { loadSession } from '$lib/api/session';
import { endedSentence } from '$lib/text/ended';
import { farewell } from '$lib/session/farewell.svelte';
import { settingsLink } from '$lib/session/settings-link.svelte';
import { SECOND_FACTOR, secondFactorPath, signInPath, safeReturnTo } from '$lib/session/return-to';

/**
 * Reads the session, which everything below needs. It is read again on the way to and from the page
 * of the second factor, which alone has a `next`. No other change of the address, such as a filter,
 * reads it: each list says its own errors.
 */
export async function load({ url, untrack }) {
  const next = url.searchParams.get('next');
  const from = untrack(() => new URL(url));
  try {
    const current = await loadSession();
    if (current.restricted && from.pathname !== SECOND_FACTOR)
      redirect(307, secondFactorPath(from));
    if (!current.restricted && from.pathname === SECOND_FACTOR) redirect(307, safeReturnTo(next));
    return { current };
  } catch (error) {
    if (!endsSession(error)) throw error;
    farewell.message ??= endedSentence(error.document);
    settingsLink.opened = from.pathname.startsWith('/settings/');
    redirect(307, signInPath(from));
  }
}
