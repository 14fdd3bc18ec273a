import { answer, api, body, passive } from './client';
import type { components, operations } from './schema';

export type CurrentSession = components['schemas']['CurrentSession'];
export type Ended = components['schemas']['Ended'];
export type RevocationReceipt = components['schemas']['RevocationReceipt'];
export type Session = components['schemas']['Session'];
export type SessionFigures = components['schemas']['SessionFigures'];
type SessionPage = components['schemas']['SessionPage'];
export type SessionSummary = components['schemas']['SessionSummary'];
export type SessionCounts = components['schemas']['SessionCounts'];
export type SessionFilters = NonNullable<
  operations['revokeMatchingSessions']['parameters']['query']
>;
export type SessionQuery = Omit<
  NonNullable<operations['listSessions']['parameters']['query']>,
  'format'
>;

/** Reads the session, which counts as an access. */
export const getSession = () => body(api.GET('/api/session'));

/** The same for load functions, which redirect by themselves if the session is over. */
export const loadSession = () => answer(api.GET('/api/session'));

/** The same in the background. The caller handles the end of the session. */
export const watchSession = () => answer(api.GET('/api/session', { headers: passive }));

/** The code is for members with a second factor. */
export const signIn = (email: string, password: string, code = '') =>
  body(api.POST('/api/sessions', { body: { email, password, ...(code ? { code } : {}) } }));

export const signOut = () => body(api.DELETE('/api/session'));

/** A fresh proof of identity, as loosening the policy asks for. */
export const reauthenticate = (password: string, code: string) =>
  body(api.POST('/api/session/reauthenticate', { body: { password, ...(code ? { code } : {}) } }));

/** A page of my sessions, newest access first, or of the sessions of all. */
export const listSessions = (query: SessionQuery, headers: HeadersInit = {}) =>
  // The answer is a file only with `format`.
  body(api.GET('/api/sessions', { params: { query }, headers })) as Promise<SessionPage>;

export const revokeSession = (id: string) =>
  body(api.DELETE('/api/sessions/{id}', { params: { path: { id } } }));

/** How many sessions each value of a filter would select, in the background. */
export const countSessions = (query: SessionFilters, since: string) =>
  body(
    api.GET('/api/sessions/counts', { params: { query: { ...query, since } }, headers: passive }),
  );

/** The address of a file of all sessions that the filters select. */
export const sessionsFile = (query: SessionFilters) =>
  `/api/sessions?${new URLSearchParams({ scope: 'all', ...query, format: 'csv' })}`;

/** Ends all sessions that the filters select, if they are about as many as were confirmed. */
export const revokeMatchingSessions = (query: SessionFilters, confirmed: number) =>
  body(api.POST('/api/sessions/revoke-matching', { params: { query }, body: { confirmed } }));

/** Ends all of my sessions but this one. */
export const revokeOtherSessions = () => body(api.POST('/api/sessions/revoke-others'));

/** Ends several sessions, at most 200 of them, and counts those that had not ended already. */
export const revokeSessions = (ids: string[]) =>
  body(api.POST('/api/sessions/revoke', { body: { ids } }));

/**
 * How many sessions there are, and how many of them began since the given time. In the background.
 */
export const watchSessionFigures = (since: string) =>
  body(api.GET('/api/sessions/summary', { params: { query: { since } }, headers: passive }));

export const getSessionSummary = (headers: HeadersInit = {}) =>
  body(api.GET('/api/sessions/summary', { headers }));

/** Signs everyone out. The key names this revocation, so that a retry revokes nothing more. */
export const revokeAllSessions = (key: string, reason: string) =>
  body(
    api.POST('/api/sessions/revoke-all', {
      params: { header: { 'Idempotency-Key': key } },
      body: reason ? { reason } : {},
    }),
  );
