import { getSetup } from '$lib/api/setup';

export async function load() {
  return { required: (await getSetup()).required };
}
