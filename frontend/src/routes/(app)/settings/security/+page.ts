import { redirect } from '@sveltejs/kit';
import { endsSession, isRestricted } from '$lib/api/problem';
import { loadSecuritySettings } from '$lib/api/settings';
import { secondFactorPath, signInPath } from '$lib/session/return-to';

export async function load({ url }) {
  try {
    return { settings: await loadSecuritySettings(), width: 'form' as App.PageData['width'] };
  } catch (error) {
    if (isRestricted(error)) redirect(307, secondFactorPath(url));
    if (!endsSession(error)) throw error;
    redirect(307, signInPath(url));
  }
}
