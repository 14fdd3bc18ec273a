import type { AuditEntry } from '$lib/api/audit';
import type { DayCount, Overview } from '$lib/api/overview';
import type { Mark } from '$lib/chart/marks';
import { differences } from '$lib/text/audit-words';
import { bidiIsolate } from '$lib/text/bidi-isolate';
import { formatNumber, formatShortDay } from '$lib/text/formats';
import { plural } from '$lib/text/plural';

/** Returns the first name, which is enough next to a face. */
function firstName(name: string): string {
  const [first = name] = name.split(' ');
  return bidiIsolate(first.length > 24 ? `${first.slice(0, 23)}…` : first);
}

/**
 * Returns the marks of the chart of sessions, one for each day: revocations before saves of the
 * policy, and those with the greatest fall of the day first.
 */
export function marksOf(entries: AuditEntry[], days: DayCount[]): Mark[] {
  const found: (Mark & { fall: number })[] = [];
  // The newest entry comes first. Of one day, a revocation counts, or else the last save.
  for (const entry of [...entries].sort(
    (a, b) => Number(isRevocation(b)) - Number(isRevocation(a)),
  )) {
    const date = entry.at.slice(0, 10);
    const index = days.findIndex((each) => each.date === date);
    const [day, before] = [days[index], days[index - 1]];
    if (!day || found.some((mark) => mark.day === Date.parse(date))) continue;
    const fall = before ? before.sessions - day.sessions : 0;
    found.push({
      day: Date.parse(date),
      title: isRevocation(entry) ? 'everyone signed out' : policyTitle(entry),
      by: firstName(entry.actor.name),
      note: `${firstName(entry.actor.name)}, ${formatShortDay(new Date(date))}`,
      strong: isRevocation(entry),
      labelled: isRevocation(entry) || fall > 0,
      fall,
    });
  }
  return found.sort((a, b) => Number(b.strong) - Number(a.strong) || b.fall - a.fall);
}

const isRevocation = ({ action }: AuditEntry) => action === 'sessions.revoked_all';

/** What a save of the policy changed, as "session length 30 days → 14 days". */
function policyTitle(entry: AuditEntry): string {
  const [first, ...more] = differences(entry);
  if (!first) return 'policy saved';
  const name = first.name.charAt(0).toLowerCase() + first.name.slice(1);
  return `${name} ${fromTo(first.before, first.after)}${more.length > 0 ? ', …' : ''}`;
}

/** Leaves out a unit that is said twice: "14 → 7 days". */
function fromTo(before: string, after: string): string {
  const [number, unit] = before.split(' ');
  return unit && after.endsWith(` ${unit}`) ? `${number} → ${after}` : `${before} → ${after}`;
}

/** The chart of sessions in a sentence. */
export function sessionsSentence(days: DayCount[], marks: Mark[]): string {
  const [first, now] = [days[0], days.at(-1)];
  if (!first || !now || first === now)
    return `Signed-in sessions: ${formatNumber(now?.sessions ?? 0)} now.`;
  const told = marks
    .filter(({ labelled }) => labelled)
    .map(({ day, title, by }) => {
      const count = days.find(({ date }) => Date.parse(date) === day)?.sessions ?? 0;
      return `; ${formatNumber(count)} on ${formatShortDay(new Date(day))} (${title}, ${by})`;
    });
  return `Signed-in sessions over ${days.length} days: ${formatNumber(first.sessions)} on ${dayOf(first)}, ${formatNumber(now.sessions)} now${told.join('')}.`;
}

/** The chart of sign-ins in a sentence. */
export function signInsSentence(days: DayCount[]): string {
  const most = days.reduce((a, b) => (b.signIns > a.signIns ? b : a), days[0] as DayCount);
  const total = days.reduce((sum, { signIns }) => sum + signIns, 0);
  return `${plural(total, 'sign-in')} over ${plural(days.length, 'day')}, most on ${dayOf(most)}: ${formatNumber(most.signIns)}. ${formatNumber(days.at(-1)?.signIns ?? 0)} today.`;
}

const dayOf = ({ date }: DayCount) => formatShortDay(new Date(date));

/** Who is active, as "You, Ana, Trevor and 20 more". */
export function activeWords({ active, activeMembers }: Overview, self: string): string {
  const named = activeMembers
    .slice(0, 3)
    .map(({ id, name }) => (id === self ? 'You' : firstName(name)));
  const more = active - named.length;
  if (more > 0) return `${named.join(', ')} and ${formatNumber(more)} more`;
  if (named.length < 2) return named[0] ?? 'Nobody';
  return `${named.slice(0, -1).join(', ')} and ${named.at(-1)}`;
}
