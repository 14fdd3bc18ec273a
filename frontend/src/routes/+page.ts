import { redirect } from '@sveltejs/kit';
import { getSetup } from '$lib/api/setup';
import { HOME } from '$lib/way-back';

/** Leads to where one belongs; whoever is not signed in is sent on from there. */
export async function load() {
  const { required } = await getSetup();
  redirect(307, required ? '/setup' : HOME);
}
