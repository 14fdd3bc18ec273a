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
  body(api.GET('/api/audit', { params: { query } })) as Promise<AuditPage>; // a file only where a format is asked for

/** Checks the chain from the first entry to the last, which takes about a second for each hundred thousand. */
export const checkAuditChain = () => body(api.GET('/api/audit/chain'));

/** Where a browser gets all entries that the query picks, as a file. */
export const auditFile = (query: AuditQuery, format: 'csv' | 'jsonl') =>
  `/api/audit?${new URLSearchParams({ ...query, format })}`;
