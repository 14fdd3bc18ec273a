import { loadGeneralSettings } from '$lib/api/settings';
import { orRedirect } from '$lib/session/or-redirect';

export const load = async ({ url }) => ({
  settings: await orRedirect(loadGeneralSettings(), url),
  width: 'form' as const,
});
