import { answer, api, body, passive } from './client';
import type { components } from './schema';

export type Length = components['schemas']['Length'];
export type Unit = components['schemas']['Unit'];
export type Policy = components['schemas']['Policy'];
export type Effect = components['schemas']['PolicyPreview'];
export type Guideline = components['schemas']['Guideline'];
export type Remaining = components['schemas']['Remaining'];
export type SignInSettings = components['schemas']['SignInSettings'];
export type Organization = components['schemas']['Organization'];
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

/** The general settings, with the ETag that a save of the name and the help contact replaces. */
export type General = Organization & { tag: string };

/** For a load function, which redirects by itself if the session is over. */
export const loadGeneralSettings = () => tagged(api.GET('/api/settings/general'));

/** In the background: it keeps no session alive. */
export const watchGeneralSettings = () =>
  tagged(api.GET('/api/settings/general', { headers: passive }));

/** Saves the name and the help contact. If another save came after `tag` was read: 412. */
export const putGeneralSettings = (tag: string, name: string, helpContact: string) =>
  tagged(
    api.PUT('/api/settings/general', {
      params: { header: { 'If-Match': tag } },
      body: { name, helpContact },
    }),
    body,
  );

/** Replaces the logo by a PNG image, whose bytes are the body. */
export const putLogo = (image: Blob) =>
  body(
    api.PUT('/api/settings/logo', {
      headers: { 'Content-Type': 'image/png' },
      body: image as unknown as string,
      bodySerializer: (bytes) => bytes,
    }),
  );

export const deleteLogo = () => body(api.DELETE('/api/settings/logo'));

/** Stores the keys of the guidelines that apply to the organization. */
export const putGuidelines = (applies: string[]) =>
  body(api.PUT('/api/settings/guidelines', { body: { applies } }));

/** Saves the policy. If another save came after `version` was read, the answer is 412. */
export const putSecuritySettings = (policy: Policy, version: number) =>
  body(
    api.PUT('/api/settings/security', {
      // The ETag carries the version.
      params: { header: { 'If-Match': `"${version}"` } },
      body: policy,
    }),
  );

async function tagged(
  call: Promise<{ data?: Organization; response: Response }>,
  read: typeof answer = answer,
): Promise<General> {
  const settings: Organization = await read(call as never);
  return { ...settings, tag: (await call).response.headers.get('ETag') ?? '' };
}
