import { api, body } from './client';
import type { components, operations } from './schema';

export type AuditEntry = components['schemas']['AuditEntry'];
export type AuditChain = components['schemas']['AuditChain'];
type AuditPage = components['schemas']['AuditPage'];
export type AuditQuery = Pick<
  NonNullable<operations['listAudit']['parameters']['query']>,
  'q' | 'member' | 'action' | 'since' | 'until'
>;

/**
 * A page of the entries that the query selects, newest first. A search of a long log answers part
 * by part, so this asks on until a part has entries.
 */
export async function listAudit(
  query: AuditQuery & { cursor?: string },
  signal?: AbortSignal,
): Promise<AuditPage> {
  for (;;) {
    const asked = api.GET('/api/audit', { params: { query }, ...(signal && { signal }) });
    // The answer is a file only with `format`.
    const page = (await body(asked)) as AuditPage;
    if (page.items.length > 0 || page.nextCursor === undefined) return page;
    query = { ...query, cursor: page.nextCursor };
  }
}

/** Checks the chain from the first entry to the last: about a second per 100,000 entries. */
export const checkAuditChain = () => body(api.GET('/api/audit/chain'));

/** The address of a file of all entries that the query selects. */
export const auditFile = (query: AuditQuery, format: 'csv' | 'jsonl') =>
  `/api/audit?${new URLSearchParams({ ...query, format })}`;
