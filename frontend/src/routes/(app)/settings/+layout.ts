import { redirect } from '@sveltejs/kit';

/** Settings are for those who may see what concerns others. Anybody else belongs to their own account. */
export async function load({ parent }) {
  const { current } = await parent();
  if (current.member.role === 'member') redirect(307, '/account');
}
