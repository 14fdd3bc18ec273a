import { loadSecuritySettings } from '$lib/api/settings';
import { orRedirect } from '$lib/session/or-redirect';

export const load = async ({ url }) => ({
  settings: await orRedirect(loadSecuritySettings(), url),
  width: 'form' as App.PageData['width'],
});
