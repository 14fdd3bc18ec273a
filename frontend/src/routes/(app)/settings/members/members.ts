import type { Member, MemberPage, MemberQuery, Role } from '$lib/api/members';
import type { Problem } from '$lib/api/problem';
import { serverTime } from '$lib/text/clock';
import { plural } from '$lib/text/plural';
import { formatDate, formatDayNearby, formatMomentNearby } from '$lib/text/formats';
import type { Sort } from '$lib/ui/table';

interface RoleWords {
  name: string;
  /** What it allows. */
  allows: string;
}

/** From the most powerful role to the least. */
export const ROLES: Role[] = ['owner', 'admin', 'auditor', 'member'];

export const ROLE_WORDS: Record<Role, RoleWords> = {
  owner: { name: 'Owner', allows: 'Can do everything, and make other owners.' },
  admin: { name: 'Admin', allows: 'Manages members, sessions and settings.' },
  auditor: { name: 'Auditor', allows: 'Sees what an admin sees. Changes nothing.' },
  member: { name: 'Member', allows: 'Signs in and sees their own sessions.' },
};

/** As in "you are an owner". */
export const aRole = (role: Role) => `${role === 'member' ? 'a' : 'an'} ${role}`;

export const STATE_WORDS: Record<Member['state'], string> = {
  invited: 'Invited',
  active: 'Active',
  deactivated: 'Blocked',
};

export const STATES = Object.keys(STATE_WORDS) as Member['state'][];

const administers = (role: Role) => role === 'owner' || role === 'admin';

/** The roles that a member may give: none above their own. The server enforces the same rule. */
export function rolesToGive(by: Role): Role[] {
  return administers(by) ? ROLES.slice(ROLES.indexOf(by)) : [];
}

/** Reports whether a member may change members of that role: none above their own. */
export function mayManage(by: Role, role: Role): boolean {
  return rolesToGive(by).includes(role);
}

/** Reports whether the change takes away what the member could not give back to themselves. */
export function isDemotion(from: Role, to: Role): boolean {
  return ROLES.indexOf(to) > ROLES.indexOf(from);
}

/** Who can give back the role that a member is about to lose. */
export function whoGives(role: Role): string {
  return role === 'owner' ? 'another owner' : 'an owner or another admin';
}

/** An invitation may have no name. */
export function nameOf({ name, email }: Pick<Member, 'name' | 'email'>): string {
  return name || email;
}

/** What to say of an address that is still in an old spelling. */
export const ADDRESS_ISSUES: Record<NonNullable<Member['addressIssue']>, string> = {
  shared: 'Another member has this address',
  invalid: 'Not a valid address',
};

/** What is wrong with an email address that the server refused. */
export function addressError(problem: Problem | null, by: Role): string | undefined {
  if (problem?.code === 'email_taken') return problem.message;
  if (problem?.code !== 'address_retired') return problem?.at('email');
  const why = "This address was another member's.";
  return by === 'owner'
    ? why
    : `${why} Use another one, or ask an owner to give it to this person.`;
}

/** What is deleted with an account, as in "the password, 1 passkey and every link". */
export function credentialsOf({ secondFactor, passkeys }: Member): string {
  const more = [
    ...(secondFactor ? ['the second factor'] : []),
    ...(passkeys > 0 ? [plural(passkeys, 'passkey')] : []),
  ];
  return `${['the password', ...more].join(', ')} and every link`;
}

/** Until when an open one-time link is valid, or null. */
function goodUntil({ state, link }: Member, now: Date): string | null {
  if (!link || state === 'deactivated' || new Date(link.expiresAt) <= now) return null;
  return until(link.expiresAt);
}

/** What stands beside the name of a member who is not active, or null. */
export function stateBadge({ state }: Member): { name: string; tone: string } | null {
  if (state === 'active') return null;
  return { name: STATE_WORDS[state], tone: state === 'invited' ? 'warn' : 'bad' };
}

/** What there is to say of an invited member in the place of when they were last seen, or null. */
export function stateNote(member: Member, now = new Date(serverTime())): string | null {
  if (member.state !== 'invited') return null;
  if (!member.link || new Date(member.link.expiresAt) <= now) return 'Link expired';
  return `Expires ${formatDayNearby(new Date(member.link.expiresAt))}`;
}

/** What to say of the open link, or null. */
export function linkNote(member: Member, now = new Date(serverTime())): string | null {
  const end = goodUntil(member, now);
  if (end) return `${member.state === 'invited' ? 'Invitation' : 'Password reset'}, expires ${end}`;
  return member.state === 'invited' ? 'The invitation link has expired' : null;
}

/** What a member signs in with next to a password, as "App, 2 passkeys"; empty for nothing. */
export function factorOf({ secondFactor, passkeys }: Member): string {
  const keys = passkeys === 1 ? 'Passkey' : plural(passkeys, 'passkey');
  return [secondFactor ? 'App' : '', passkeys > 0 ? keys : '']
    .filter(Boolean)
    .join(', ')
    .replace('App, P', 'App, p');
}

const FACTORS = { none: 'None', app: 'App', passkey: 'Passkey' };

/** The names of the filters in the address. */
export const FILTERS = ['q', 'role', 'secondFactor', 'state'] as const;

/** The menus that filter the list, with how many members each choice would leave. */
export function filterMenus(counts: MemberPage['counts'] | undefined) {
  const menu = (
    key: 'role' | 'secondFactor' | 'state',
    label: string,
    names: [string, string][],
  ) => ({
    key,
    label,
    options: names.map(([value, name]) => ({
      value,
      label: name,
      count: counts && (counts[key][value] ?? 0),
    })),
  });
  return [
    menu(
      'role',
      'Role',
      ROLES.map((role) => [role, ROLE_WORDS[role].name]),
    ),
    menu('secondFactor', 'Second factor', Object.entries(FACTORS)),
    menu('state', 'State', Object.entries(STATE_WORDS)),
  ];
}

/** A moment of the coming days, which no line breaks. */
export function until(at: string): string {
  return formatMomentNearby(new Date(at)).replaceAll(' ', '\u00a0');
}

/** A day long ago. */
export function day(at: string): string {
  return formatDate(new Date(at));
}

/** What to ask the server for. Values that it does not know are left out. */
export function memberQuery(
  { q, role, secondFactor, state }: Record<(typeof FILTERS)[number], string>,
  { key, order }: Sort,
): MemberQuery {
  const query: MemberQuery = { order };
  const known = {
    sort: (['name', 'email', 'createdAt'] as const).find((each) => each === key),
    role: ROLES.find((each) => each === role),
    state: STATES.find((each) => each === state),
    secondFactor: (['none', 'app', 'passkey'] as const).find((each) => each === secondFactor),
  };
  if (q.trim()) query.q = q.trim();
  if (known.sort) query.sort = known.sort;
  if (known.role) query.role = known.role;
  if (known.state) query.state = known.state;
  if (known.secondFactor) query.secondFactor = known.secondFactor;
  return query;
}
