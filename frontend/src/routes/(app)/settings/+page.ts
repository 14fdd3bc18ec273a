import { redirect } from '@sveltejs/kit';
import { HOME } from '$lib/way-back';

export function load() {
  redirect(307, HOME);
}
