import { api, body, passive } from './client';
import type { components } from './schema';

export type SecondFactor = components['schemas']['SecondFactor'];
export type Enrolment = components['schemas']['Enrolment'];

export const renameAccount = (name: string) => body(api.PATCH('/api/account', { body: { name } }));

/** Changes my password and ends my other sessions. The code is for members with a second factor. */
export const changePassword = (currentPassword: string, newPassword: string, code: string) =>
  body(
    api.PUT('/api/account/password', {
      body: { currentPassword, newPassword, ...(code ? { code } : {}) },
    }),
  );

export const getSecondFactor = () => body(api.GET('/api/account/second-factor'));

/** Makes a secret for an authenticator app. It is kept only after the first right code. */
export const beginSecondFactor = () => body(api.POST('/api/account/second-factor/enrolment'));

export const setUpSecondFactor = (enrolment: string, code: string, endOtherSessions: boolean) =>
  body(api.PUT('/api/account/second-factor', { body: { enrolment, code, endOtherSessions } }));

export const removeSecondFactor = (endOtherSessions: boolean) =>
  body(api.DELETE('/api/account/second-factor', { params: { query: { endOtherSessions } } }));

/** Makes new recovery codes, which replace the old ones. */
export const renewRecoveryCodes = () => body(api.POST('/api/account/second-factor/recovery-codes'));

/** Changes of my credentials that I have not dismissed. In the background. */
export const listNotices = () => body(api.GET('/api/account/notices', { headers: passive }));

/** Dismisses the notices up to that sequence. */
export const dismissNotices = (upTo: number) =>
  body(api.POST('/api/account/notices/dismiss', { body: { upTo } }));

/** What happened on my account, newest first. */
export const listActivity = (query: { cursor?: string }, headers: HeadersInit = {}) =>
  body(api.GET('/api/account/activity', { params: { query: { limit: 20, ...query } }, headers }));
