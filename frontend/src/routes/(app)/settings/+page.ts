import { redirect } from '@sveltejs/kit';
import { HOME } from '$lib/session/return-to';

export function load() {
  redirect(307, HOME);
}
