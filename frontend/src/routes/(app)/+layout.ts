import { redirect } from '@sveltejs/kit';
import { endsSession } from '$lib/api/problem';
import { getSession } from '$lib/api/session';
import { endedSentence } from '$lib/ended';
import { farewell } from '$lib/farewell.svelte';
import { signInPath } from '$lib/way-back';

/** Everything below needs a session, because it is here. */
export async function load({ url }) {
  try {
    return { current: await getSession() };
  } catch (error) {
    if (!endsSession(error)) throw error;
    farewell.sentence ??= endedSentence(error.document);
    redirect(307, signInPath(url));
  }
}
