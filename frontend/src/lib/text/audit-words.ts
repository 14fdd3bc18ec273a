import type { AuditEntry } from '../api/audit';
import { formatNumber } from './formats';
import { bidiIsolate } from './bidi-isolate';
import { sessionsOfMembers } from './plural';

/** What the reader of an entry knows next to it. */
export interface Reader {
  /** The member who reads: they are "you". The log of the organization has none. */
  self?: string;
  /** Gives a member's name, where it is known. */
  nameOf?: (id: string) => string | undefined;
}

/** Every kind of entry by its name, as people choose between them. */
export const ACTIONS: { group: string; actions: Record<string, string> }[] = [
  {
    group: 'Signing in',
    actions: {
      'session.started': 'Sign-ins',
      'session.refused': 'Refused sign-ins',
      'session.reauthenticated': 'Passwords confirmed',
      'session.reauthentication_refused': 'Confirmations refused',
    },
  },
  {
    group: 'Sessions',
    actions: {
      'session.ended': 'Sessions ended',
      'member.sessions_revoked': 'Revoked for a member',
      'sessions.revoked_all': 'Revoked for all',
      'sessions.revoked': 'Revoked by filter',
      'sessions.exported': 'Sessions exported',
    },
  },
  {
    group: 'Members',
    actions: {
      'member.invited': 'Invitations',
      'member.changed': 'Members changed',
      'member.link_issued': 'Links issued',
      'member.link_used': 'Links used',
      'member.password_changed': 'Passwords changed',
      'member.password_reset': 'Passwords reset',
      'member.removed': 'Members removed',
    },
  },
  {
    group: 'Second factors',
    actions: {
      'member.second_factor_set': 'Second factors set up',
      'member.second_factor_removed': 'Second factors removed',
      'member.recovery_codes_made': 'Recovery codes made',
      'member.recovery_code_used': 'Recovery codes used',
      'member.passkey_added': 'Passkeys added',
      'member.passkey_removed': 'Passkeys removed',
    },
  },
  {
    group: 'Organization',
    actions: {
      'sign_in.second_factor_demanded': 'Second factor demanded or not',
      'policy.saved': 'Session configuration saved',
      'organization.set_up': 'Organization set up',
      'organization.renamed': 'Organization renamed',
      'guidelines.chosen': 'Guidelines chosen',
      'organization.changed': 'Help contact or logo changed',
      'database.backed_up': 'Backups made',
      'database.restored': 'Backups restored',
      'clock.accepted': 'Clocks set right',
      'audit.chain_repaired': 'Audit logs repaired',
      'audit.exported': 'Audit log exported',
    },
  },
];

/** How often, in an entry that counts refusals without an entry of their own. */
function timesWords(count: unknown): string {
  if (typeof count !== 'number') return '';
  return count === 1 ? ' once more' : ` ${formatNumber(count)} more times`;
}

/** What happened, in a sentence. */
export function entryWords(entry: AuditEntry, reader: Reader): string {
  const { action, actor, details, address } = entry;
  const who = actor.id !== '' && actor.id === reader.self ? 'You' : bidiIsolate(upper(actor.name));
  const from = address ? ` from ${address}` : timesWords(details.count);
  const target = memberOf(entry);
  const whom = nameFor(target, reader);
  const own = who === 'You' ? 'your' : 'their';
  switch (action) {
    case 'organization.set_up':
      return `${who} set up the organization`;
    case 'policy.saved':
      return `${who} saved the session configuration${policyWords(details.after)}`;
    case 'session.started':
      return `${who} signed in${from}${withWhat(entry.client)}`;
    case 'session.refused':
      if (details.wrong === 'passkey') return `A passkey was refused${from}`;
      if (target === null) return `Somebody tried to sign in with an unknown address${from}`;
      if (details.wrong === 'code') {
        return target === reader.self
          ? `Somebody who knows your password tried to sign in with a wrong code${from}`
          : `Somebody who knows the password of ${whom} tried to sign in with a wrong code${from}`;
      }
      if (details.wrong === 'no_code') {
        return target === reader.self
          ? `Somebody who knows your password got as far as the code${from}`
          : `Somebody who knows the password of ${whom} got as far as the code${from}`;
      }
      return target === reader.self
        ? `Somebody tried to sign in with a wrong password${from}`
        : `Somebody tried to sign in as ${whom} with a wrong password${from}`;
    case 'session.ended':
      return endedWords(who, entry, reader);
    case 'sessions.revoked_all':
      return `${who} revoked all sessions${details.reason ? `: ${details.reason}` : ''}`;
    case 'sessions.revoked':
      return `${who} revoked all ${sessionsOfMembers(Number(details.sessionsEnded), Number(details.membersSignedOut))} that matched`;
    case 'sessions.exported':
      return `${who} exported the list of sessions`;
    case 'session.reauthenticated':
      return `${who} confirmed ${own} password${from}`;
    case 'session.reauthentication_refused':
      if (details.wrong === 'passkey') return `A passkey was refused${from}`;
      if (details.wrong === 'code') {
        return target === reader.self
          ? `A wrong code was given to confirm who you are${from}`
          : `A wrong code was given to confirm being ${whom}${from}`;
      }
      return target === reader.self
        ? `A wrong password was given to confirm who you are${from}`
        : `A wrong password was given to confirm being ${whom}${from}`;
    case 'member.password_reset':
      return target === reader.self
        ? `${who} reset your password`
        : `${who} reset the password of ${whom}`;
    case 'member.password_changed':
      return `${who} changed ${own} password`;
    case 'member.second_factor_set':
      return `${who} set up a second factor`;
    case 'member.second_factor_removed':
      if (target === actor.id) return `${who} removed ${own} second factor`;
      return target === reader.self
        ? `${who} removed your second factor`
        : `${who} removed the second factor of ${whom}`;
    case 'member.recovery_codes_made':
      return `${who} made new recovery codes`;
    case 'member.recovery_code_used':
      return `${who} used a recovery code${from}`;
    case 'member.passkey_added':
      return typeof details.name === 'string'
        ? `${who} added the passkey ${bidiIsolate(details.name)}`
        : `${who} added a passkey`;
    case 'member.passkey_removed':
      return `${who} removed a passkey`;
    case 'sign_in.second_factor_demanded':
      return isRecord(details.after) && details.after.requireSecondFactor
        ? `${who} demanded a second factor of every member`
        : `${who} no longer demands a second factor`;
    case 'member.invited':
      return `${who} invited ${whom}${roleWords(' as', details.role)}`;
    case 'member.changed':
      return changedWords(who, whom, details, target === actor.id ? own : undefined);
    case 'member.sessions_revoked':
      if (target === reader.self) return `${who} ended all of your sessions`;
      return target === actor.id
        ? `${who} ended all of ${own} sessions`
        : `${who} ended all sessions of ${whom}`;
    case 'member.link_issued':
      return details.kind === 'reset'
        ? `${who} issued a link for ${whom} to set a new password`
        : `${who} issued a new invitation for ${whom}`;
    case 'member.link_used':
      return details.kind === 'reset'
        ? `${who} set a new password by a link`
        : `${who} accepted the invitation`;
    case 'member.removed': {
      const before = isRecord(details.before) ? details.before : {};
      const gone = bidiIsolate(String(before.name || before.email));
      return details.invited
        ? `${who} deleted the invitation of ${gone}`
        : `${who} removed ${gone} for good`;
    }
    case 'organization.renamed':
      return isRecord(details.after)
        ? `${who} renamed the organization to ${bidiIsolate(String(details.after.name))}`
        : `${who} renamed the organization`;
    case 'guidelines.chosen':
      return `${who} chose which guidelines apply`;
    case 'organization.changed':
      if (isRecord(details.after) && 'logo' in details.after) {
        return `${who} ${details.after.logo ? 'changed' : 'removed'} the organization's logo`;
      }
      return `${who} changed the help contact`;
    case 'database.backed_up':
      return `${who} made a backup`;
    case 'database.restored':
      return `${who} restored a backup, which signed everybody out`;
    case 'clock.accepted':
      return `${who} accepted the machine's time, which signed everybody out`;
    case 'audit.exported':
      return `${who} exported the audit log`;
    case 'audit.chain_repaired':
      return `${who} repaired hashes of the audit log that an early version lost, and proved that no entry was changed`;
    default:
      return `${who}: ${action}`;
  }
}

/** The id of the member that it was done to, or whose session it was done to. */
export function memberOf({ target, details }: AuditEntry): string | null {
  if (typeof details.member === 'string') return details.member;
  return target.startsWith('member:') ? target.slice('member:'.length) : null;
}

/** One value that changed. */
export interface Difference {
  name: string;
  before: string;
  after: string;
}

/** What an entry changed, and nothing that stayed. */
export function differences({ details: { before, after } }: AuditEntry): Difference[] {
  if (!isRecord(before) || !isRecord(after)) return [];
  return Object.keys({ ...before, ...after })
    .map((key) => ({
      name: nameOfFact(key),
      before: valueWords(key, before[key]),
      after: valueWords(key, after[key]),
    }))
    .filter((each) => each.before !== each.after);
}

/** Everything else in an entry. */
export function facts({ details }: AuditEntry): { name: string; value: string }[] {
  return Object.entries(details)
    .filter(([key, value]) => !(key === 'before' || key === 'after') && value !== '')
    .map(([key, value]) => ({ name: nameOfFact(key), value: valueWords(key, value) }));
}

type Details = Record<string, unknown>;

const FACTS: Record<string, string> = {
  sessionLength: 'Session length',
  helpContact: 'Help contact',
  requireSecondFactor: 'Second factor demanded',
  refreshAutomatically: 'Refresh automatically',
  maximumLifetime: 'Maximum lifetime',
  userAgent: 'Client',
  methods: 'Proved by',
  sessionsEnded: 'Sessions ended',
  membersSignedOut: 'Members signed out',
  linksWithdrawn: 'Open links withdrawn',
};

function nameOfFact(key: string): string {
  return FACTS[key] ?? upper(key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
}

function valueWords(key: string, value: unknown): string {
  if (value === null || value === undefined) return 'none';
  if (key === 'refreshAutomatically') return value ? 'on' : 'off';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return formatNumber(value);
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value !== 'string') return JSON.stringify(value);
  return key === 'reason' || key === 'kind' || key === 'wrong' ? value.replaceAll('_', ' ') : value;
}

function endedWords(who: string, entry: AuditEntry, reader: Reader): string {
  const { actor, details } = entry;
  // Entries about one's own account may leave out whose session it was.
  const member = memberOf(entry) ?? reader.self ?? null;
  const whose =
    member === reader.self ? 'one of your sessions' : `a session of ${nameFor(member, reader)}`;
  switch (details.reason) {
    case 'signed_out':
      return `${who} signed out`;
    case 'expired':
      return `${upper(whose)} expired`;
    case 'token_reuse':
      return `${upper(whose)} was ended because a copy of it was in use elsewhere`;
    case 'credential_changed':
      return `${upper(whose)} was ended because a password or second factor changed`;
    case 'member_deactivated':
    case 'member_removed':
      return `${upper(whose)} was ended with the account`;
    default:
      return member !== null && member === actor.id && who !== 'You'
        ? `${who} ended one of their own sessions`
        : `${who} ended ${whose}`;
  }
}

function changedWords(who: string, whom: string, { before, after }: Details, own?: string) {
  if (!isRecord(before) || !isRecord(after)) return `${who} changed ${whom}`;
  const changed = Object.keys(after).filter((key) => before[key] !== after[key]);
  if (changed.length !== 1) return `${who} changed ${whom}`;
  switch (changed[0]) {
    case 'name':
      if (own) return `${who} changed ${own} name to ${bidiIsolate(String(after.name))}`;
      if (before.name === '') return `${who} named ${bidiIsolate(String(after.name))}`;
      return `${who} renamed ${bidiIsolate(String(before.name))} to ${bidiIsolate(String(after.name))}`;
    case 'email': {
      const whose = own ?? (whom === 'you' ? 'your' : null);
      const address = whose ? `${whose} e-mail address` : `the e-mail address of ${whom}`;
      return `${who} changed ${address} to ${bidiIsolate(String(after.email))}`;
    }
    case 'role':
      return `${who} made ${whom}${roleWords('', after.role)}`;
    case 'active':
      return `${who} ${after.active ? 'reactivated' : 'deactivated'} ${whom}`;
    default:
      return `${who} changed ${whom}`;
  }
}

function nameFor(id: string | null, { self, nameOf }: Reader): string {
  if (id !== null && id === self) return 'you';
  const name = id === null ? undefined : nameOf?.(id);
  return name ? bidiIsolate(name) : 'another member';
}

/** The names in the entries: of the members who acted, and of those it was done to. */
export function namesIn(entries: AuditEntry[]): [id: string, name: string][] {
  return entries.flatMap((entry) => {
    const { actor, details } = entry;
    const target = memberOf(entry);
    const after = isRecord(details.after) ? details.after : details;
    return [
      ...(actor.id ? [[actor.id, actor.name] as [string, string]] : []),
      ...(target && typeof after.name === 'string' && after.name
        ? [[target, after.name] as [string, string]]
        : []),
    ];
  });
}

function roleWords(as: string, role: unknown): string {
  if (typeof role !== 'string') return '';
  return `${as} ${/^[aeiou]/.test(role) ? 'an' : 'a'} ${role}`;
}

function policyWords(after: unknown): string {
  if (!isRecord(after) || typeof after.sessionLength !== 'string') return '';
  const { sessionLength, refreshAutomatically, maximumLifetime } = after;
  const most = typeof maximumLifetime === 'string' ? `, at most ${maximumLifetime}` : '';
  return `: ${sessionLength}, refresh ${refreshAutomatically ? 'on' : 'off'}${most}`;
}

function withWhat(client: AuditEntry['client']): string {
  if (!client?.browser) return '';
  return ` with ${client.browser}${client.os ? ` on ${client.os}` : ''}`;
}

function isRecord(value: unknown): value is Details {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function upper(name: string): string {
  return name === 'nobody' ? 'Somebody' : name.charAt(0).toUpperCase() + name.slice(1);
}
