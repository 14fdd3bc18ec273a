import { redirect } from '@sveltejs/kit';
import { endsSession, isRestricted } from '$lib/api/problem';
import { loadGeneralSettings } from '$lib/api/settings';
import { secondFactorPath, signInPath } from '$lib/session/return-to';

export async function load({ url }) {
  try {
    return { width: 'form' as const, settings: await loadGeneralSettings() };
  } catch (error) {
    if (isRestricted(error)) redirect(307, secondFactorPath(url));
    if (!endsSession(error)) throw error;
    redirect(307, signInPath(url));
  }
}
