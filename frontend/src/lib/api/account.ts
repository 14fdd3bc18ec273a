import { api, body } from './client';

/** Changes my password and ends my other sessions. */
export const changePassword = (currentPassword: string, newPassword: string) =>
  body(api.PUT('/api/account/password', { body: { currentPassword, newPassword } }));

/** What happened on my account, newest first. */
export const listActivity = (cursor?: string, headers: HeadersInit = {}) =>
  body(
    api.GET('/api/account/activity', {
      params: { query: { limit: 20, ...(cursor ? { cursor } : {}) } },
      headers,
    }),
  );
