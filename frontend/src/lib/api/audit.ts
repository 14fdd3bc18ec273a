import { api, body } from './client';
import type { components, operations } from './schema';

export type AuditEntry = components['schemas']['AuditEntry'];
export type AuditChain = components['schemas']['AuditChain'];
type AuditPage = components['schemas']['AuditPage'];
export type AuditQuery = Pick<
  NonNullable<operations['listAudit']['parameters']['query']>,
  'member' | 'action' | 'since' | 'until'
>;

/** A page of the entries that the query selects, newest first. */
export const listAudit = (query: AuditQuery & { cursor?: string }) =>
  // The answer is a file only with `format`.
  body(api.GET('/api/audit', { params: { query } })) as Promise<AuditPage>;

/** Checks the chain from the first entry to the last: about a second per 100,000 entries. */
export const checkAuditChain = () => body(api.GET('/api/audit/chain'));

/** The address of a file of all entries that the query selects. */
export const auditFile = (query: AuditQuery, format: 'csv' | 'jsonl') =>
  `/api/audit?${new URLSearchParams({ ...query, format })}`;
