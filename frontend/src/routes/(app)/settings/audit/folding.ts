import type { AuditEntry } from '$lib/api/audit';
import { memberOf } from '$lib/text/audit-words';
import { formatDate, formatWeekday } from '$lib/text/formats';

/** A row of the log: one entry, or several that are told as one. The newest comes first. */
export interface Row {
  /** The entry itself, or the newest of several. */
  entry: AuditEntry;
  entries: AuditEntry[];
}

/** The rows of one day of the reader. */
export interface Day {
  start: Date;
  rows: Row[];
}

const MINUTE = 60_000;
const SPAN = { repeats: 30 * MINUTE, signIns: 60 * MINUTE };
/** Fewer sign-ins stand for themselves. */
const FEWEST_SIGN_INS = 3;

/**
 * Arranges entries by days, newest first. Refusals and ends of sessions for the same cause within
 * 30 minutes become one row and, if asked to, so do the sign-ins of an hour.
 */
export function byDays(entries: AuditEntry[], foldSignIns: boolean): Day[] {
  const days: Day[] = [];
  /** The row that entries for a cause join. */
  let open = new Map<string, Row>();
  for (const entry of entries) {
    const start = new Date(entry.at);
    start.setHours(0, 0, 0, 0);
    let day = days.at(-1);
    if (day?.start.getTime() !== start.getTime()) {
      day = { start, rows: [] };
      days.push(day);
      open = new Map();
    }
    const cause = causeOf(entry, foldSignIns);
    const row = cause === null ? undefined : open.get(cause);
    if (row && Date.parse(row.entry.at) - Date.parse(entry.at) <= spanOf(entry)) {
      row.entries.push(entry);
      continue;
    }
    const next = { entry, entries: [entry] };
    day.rows.push(next);
    if (cause !== null) open.set(cause, next);
  }
  return days.map(({ start, rows }) => ({
    start,
    rows: rows.flatMap(unfoldFew).sort(newestFirst),
  }));
}

const isSignIn = ({ action }: AuditEntry) => action === 'session.started';

const spanOf = (entry: AuditEntry) => (isSignIn(entry) ? SPAN.signIns : SPAN.repeats);

/** What entries have in common that are told as one. Null for an entry that stands for itself. */
function causeOf(entry: AuditEntry, foldSignIns: boolean): string | null {
  if (isSignIn(entry)) return foldSignIns ? 'sign-ins' : null;
  const { action, actor, address, details } = entry;
  if (action !== 'session.ended' && !action.endsWith('refused')) return null;
  if (details.count !== undefined) return null;
  return JSON.stringify([action, actor, address, memberOf(entry), details.wrong, details.reason]);
}

function unfoldFew(row: Row): Row[] {
  if (!isSignIn(row.entry) || row.entries.length >= FEWEST_SIGN_INS) return [row];
  return row.entries.map((entry) => ({ entry, entries: [entry] }));
}

/** By the order of the log: by time and, within a millisecond, by sequence. */
function newestFirst({ entry: a }: Row, { entry: b }: Row): number {
  return Date.parse(b.at) - Date.parse(a.at) || b.sequence - a.sequence;
}

/** What a day is called, and its date if that says more. */
export function dayName(start: Date, now: Date): { name: string; date?: string } {
  const date = start.getFullYear() === now.getFullYear() ? formatWeekday(start) : formatDate(start);
  for (const [ago, name] of ['Today', 'Yesterday'].entries()) {
    const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - ago);
    if (day.getTime() === start.getTime()) return { name, date };
  }
  return { name: date };
}
