import { api, body } from './client';
import type { components, operations } from './schema';

export type Member = components['schemas']['MemberDetails'];
export type MemberChange = components['schemas']['MemberRequest'];
export type InviteRequest = components['schemas']['InviteRequest'];
export type Invitation = components['schemas']['Invitation'];
export type AcceptRequest = components['schemas']['AcceptRequest'];
export type LinkDetails = components['schemas']['LinkDetails'];
export type Role = components['schemas']['Role'];
export type MemberPage = components['schemas']['MemberPage'];
export type MemberQuery = Omit<
  NonNullable<operations['listMembers']['parameters']['query']>,
  'format'
>;

/** A page of the members that the query selects. */
export const listMembers = (query: MemberQuery, headers: HeadersInit = {}) =>
  // The answer is a file only with `format`.
  body(api.GET('/api/members', { params: { query }, headers })) as Promise<MemberPage>;

/** The address of a file of all members that the query selects. */
export const membersFile = (query: MemberQuery) =>
  `/api/members?${new URLSearchParams({ ...(query as Record<string, string>), format: 'csv' })}`;

export const getMember = (id: string) =>
  body(api.GET('/api/members/{id}', { params: { path: { id } } }));

export const inviteMember = (request: InviteRequest) =>
  body(api.POST('/api/members', { body: request }));

/** Changes a member. Fields that are absent stay as they are. */
export const changeMember = (id: string, change: MemberChange) =>
  body(api.PATCH('/api/members/{id}', { params: { path: { id } }, body: change }));

/** Removes a member for good, or deletes an invitation. */
export const removeMember = (id: string) =>
  body(api.DELETE('/api/members/{id}', { params: { path: { id } } }));

/** Ends all sessions of a member. */
export const revokeMemberSessions = (id: string) =>
  body(api.POST('/api/members/{id}/revoke-sessions', { params: { path: { id } } }));

/** Removes a member's second factor, recovery codes and passkeys, and ends their sessions. */
export const removeFactors = (id: string) =>
  body(api.DELETE('/api/members/{id}/second-factor', { params: { path: { id } } }));

/** A new one-time link, in the place of any that waits. */
export const issueLink = (id: string, mail: boolean) =>
  body(api.POST('/api/members/{id}/link', { params: { path: { id } }, body: { mail } }));

/** Who a one-time link is for, and who sent it. It uses nothing up. */
export const lookAtInvitation = (token: string) =>
  body(api.POST('/api/invitations/look', { body: { token } }));

/** Uses up a one-time link. An invitation begins a session, a reset does not. */
export const acceptInvitation = (request: AcceptRequest) =>
  body(api.POST('/api/invitations/accept', { body: request }));
