import { redirect } from '@sveltejs/kit';
import { endsSession } from '$lib/api/problem';
import { loadSession } from '$lib/api/session';
import { getSetup } from '$lib/api/setup';
import { endedSentence } from '$lib/text/ended';
import { farewell } from '$lib/session/farewell.svelte';
import { homeOf } from '$lib/session/return-to';

/** Redirects to the home page of the person. */
export async function load() {
  const { required } = await getSetup();
  if (required) redirect(307, '/setup');
  let home: string;
  try {
    home = homeOf((await loadSession()).member);
  } catch (error) {
    if (!endsSession(error)) throw error;
    farewell.message ??= endedSentence(error.document);
    home = '/sign-in';
  }
  redirect(307, home);
}
