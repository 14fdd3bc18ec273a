import { redirect } from '@sveltejs/kit';
import { settingsLink } from '$lib/settings-link.svelte';

/** Settings are for those who may see what concerns others. A member's own account says so, and is where they go. */
export async function load({ parent }) {
  const { current } = await parent();
  if (current.member.role !== 'member') return;
  settingsLink.refused = true;
  redirect(307, '/account');
}
