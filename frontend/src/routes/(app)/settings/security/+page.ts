import { redirect } from '@sveltejs/kit';
import { endsSession } from '$lib/api/problem';
import { getSecuritySettings } from '$lib/api/settings';
import { signInPath } from '$lib/way-back';

export async function load({ url }) {
  try {
    return { settings: await getSecuritySettings() };
  } catch (error) {
    if (!endsSession(error)) throw error;
    redirect(307, signInPath(url));
  }
}
