import { answer, api, body, passive } from './client';
import type { components } from './schema';

export type Length = components['schemas']['Length'];
export type Unit = components['schemas']['Unit'];
export type Policy = components['schemas']['Policy'];
export type Effect = components['schemas']['PolicyPreview'];
export type Guideline = components['schemas']['Guideline'];
export type Remaining = components['schemas']['Remaining'];
export type SignInSettings = components['schemas']['SignInSettings'];
export type SecuritySettings = components['schemas']['SecuritySettings'];

/** For a load function, which redirects by itself if the session is over. */
export const loadSecuritySettings = () => answer(api.GET('/api/settings/security'));

/** In the background: it keeps no session alive. */
export const watchSecuritySettings = () =>
  body(api.GET('/api/settings/security', { headers: passive }));

/** What saving the policy would do, changing nothing. */
export const previewSecuritySettings = (
  policy: Policy,
  signal: AbortSignal,
  headers: HeadersInit = {},
) => body(api.POST('/api/settings/security/preview', { body: policy, signal, headers }));

export const getSignInSettings = () => body(api.GET('/api/settings/sign-in', { headers: passive }));

/** Requires a second factor of every member, or no longer. */
export const putSignInSettings = (requireSecondFactor: boolean) =>
  body(api.PUT('/api/settings/sign-in', { body: { requireSecondFactor } }));

export const getGeneralSettings = () =>
  body(api.GET('/api/settings/general', { headers: passive }));

/** Saves the name and the help contact. */
export const putGeneralSettings = (settings: { name: string; helpContact?: string }) =>
  body(api.PUT('/api/settings/general', { body: settings }));

/** Saves the policy. If another save came after `version` was read, the answer is 412. */
export const putSecuritySettings = (policy: Policy, version: number) =>
  body(
    api.PUT('/api/settings/security', {
      // The ETag carries the version.
      params: { header: { 'If-Match': `"${version}"` } },
      body: policy,
    }),
  );
