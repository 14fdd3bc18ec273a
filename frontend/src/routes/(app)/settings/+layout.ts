import { redirect } from '@sveltejs/kit';
import { settingsLink } from '$lib/session/settings-link.svelte';

/** Owners, admins and auditors see settings. A member is led to their account, which says so. */
export async function load({ parent }) {
  const { current } = await parent();
  if (current.member.role === 'member') {
    settingsLink.refused = true;
    redirect(307, '/account');
  }
  // Columns need more room than text.
  return { width: 'wide' as App.PageData['width'] };
}
