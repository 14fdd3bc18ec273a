import { redirect } from '@sveltejs/kit';
import { SETTINGS } from '$lib/session/return-to';

export function load() {
  redirect(307, SETTINGS);
}
