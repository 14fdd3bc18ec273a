import { redirect } from '@sveltejs/kit';
import { endsSession } from '$lib/api/problem';
import { getSession } from '$lib/api/session';
import { endedSentence } from '$lib/ended';
import { farewell } from '$lib/farewell.svelte';
import { SECOND_FACTOR, secondFactorPath, signInPath, wayBack } from '$lib/way-back';

/** Everything below needs a session, because it is here. */
export async function load({ url }) {
  try {
    const current = await getSession();
    if (current.restricted && url.pathname !== SECOND_FACTOR) redirect(307, secondFactorPath(url));
    if (!current.restricted && url.pathname === SECOND_FACTOR) {
      redirect(307, wayBack(url.searchParams.get('next')));
    }
    return { current };
  } catch (error) {
    if (!endsSession(error)) throw error;
    farewell.sentence ??= endedSentence(error.document);
    redirect(307, signInPath(url));
  }
}
