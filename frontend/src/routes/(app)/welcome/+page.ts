import { redirect } from '@sveltejs/kit';
import { homeOf } from '$lib/session/return-to';

/** A session of two factors has no use for the page: its member has just set one up. */
export async function load({ parent }) {
  const { current } = await parent();
  if (current.session.methods.some((method) => method !== 'password')) {
    redirect(307, homeOf(current.member));
  }
}
