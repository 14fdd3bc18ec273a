import type { AuditEntry } from '../api/audit';
import { bidiIsolate } from './bidi-isolate';
import { deviceName } from './device';
import { formatNumber } from './formats';
import { plural } from './plural';

/** What the reader of an entry knows next to it. */
export interface Reader {
  /** The member who reads: they are "you". The log of the organization has none. */
  self?: string;
  /** Gives a member's name, where it is known. */
  nameOf?: (id: string) => string | undefined;
}

/** A part of a sentence: a text, or a name that stands out. */
export type Part = string | { name: string };

/** How much an entry stands out: ordinary, a setting, stronger than before, refused or revoked. */
export type Tone = '' | 'calm' | 'good' | 'bad';

/** Each has a picture in `EntryIcon`. */
export type Icon =
  | 'alert'
  | 'archive'
  | 'clock'
  | 'download'
  | 'key'
  | 'link'
  | 'log'
  | 'member'
  | 'organization'
  | 'passkey'
  | 'revoke'
  | 'session'
  | 'settings'
  | 'shield';

/** A kind of entry. To add one, add it to KINDS. */
interface Kind {
  /** What people select it by. */
  name: string;
  icon: Icon;
  tone?: Tone | ((words: Words) => Tone);
  /** What happened, if what changed is shown next to it. */
  says: (words: Words) => Part[];
  /** What happened and what changed, for a reader who sees only the sentence. */
  tells?: (words: Words) => Part[];
  /** What is known of it next to the client: shown in grey after the sentence. */
  more?: (words: Words) => (string | false | undefined)[];
}

type Details = Record<string, unknown>;

/** What the words of an entry are made of. */
interface Words {
  who: Part;
  /** The member whom it concerns: a name, "you" or "another member". */
  whom: Part;
  /** Whether it concerns a member, the reader, and the member who acted. */
  known: boolean;
  mine: boolean;
  self: boolean;
  own: 'your' | 'their';
  details: Details;
  before: Details;
  after: Details;
}

/** Writes a sentence. */
function say(texts: TemplateStringsArray, ...parts: Part[]): Part[] {
  return texts.flatMap((text, i) => [text, parts[i] ?? '']).filter((part) => part !== '');
}

const KINDS: Record<string, Kind | undefined> = {
  'session.started': {
    name: 'Sign-ins',
    icon: 'session',
    says: ({ who, details }) => say`${who} signed in${methodWords(details.methods)}`,
  },
  'session.refused': { name: 'Refused sign-ins', icon: 'alert', tone: 'bad', says: refusedWords },
  'session.reauthenticated': {
    name: 'Identities confirmed',
    icon: 'key',
    says: ({ who, own, details }) =>
      say`${who} confirmed ${own} identity${methodWords(details.methods)}`,
  },
  'session.reauthentication_refused': {
    name: 'Confirmations refused',
    icon: 'alert',
    tone: 'bad',
    says: ({ whom, mine, details }) => {
      if (details.wrong === 'passkey') return ['A passkey was refused'];
      const what = details.wrong === 'code' ? 'Wrong code' : 'Wrong password';
      return mine ? say`${what} to confirm your identity` : say`${what} to confirm as ${whom}`;
    },
  },
  'session.ended': { name: 'Sessions ended', icon: 'revoke', tone: endedTone, says: endedWords },
  'member.sessions_revoked': {
    name: 'Revoked for a member',
    icon: 'revoke',
    tone: 'bad',
    says: ({ who, whom, self }) =>
      self ? say`${who} signed out everywhere` : say`${who} signed ${whom} out everywhere`,
  },
  'sessions.revoked': {
    name: 'Revoked by filter',
    icon: 'revoke',
    tone: 'bad',
    says: ({ who }) => say`${who} revoked all sessions that matched a filter`,
  },
  'sessions.revoked_all': {
    name: 'Revoked for all',
    icon: 'revoke',
    tone: 'bad',
    says: ({ who }) => say`${who} revoked all sessions`,
  },
  'sessions.exported': {
    name: 'Sessions exported',
    icon: 'download',
    says: ({ who }) => say`${who} exported the list of sessions`,
    more: fileWords,
  },
  'member.invited': {
    name: 'Invitations',
    icon: 'member',
    says: ({ who, whom }) => say`${who} invited ${whom}`,
    more: ({ details }) => [roleWords('as', details.role)],
  },
  'member.changed': {
    name: 'Members changed',
    icon: 'member',
    says: ({ who, whom, self, own }) =>
      self ? say`${who} changed ${own} account` : say`${who} changed ${whom}`,
    tells: changedWords,
  },
  'member.link_issued': {
    name: 'Links created',
    icon: 'link',
    says: ({ who, whom, details }) =>
      details.kind === 'reset'
        ? say`${who} created a password reset link for ${whom}`
        : say`${who} created a new invitation link for ${whom}`,
  },
  'member.link_used': {
    name: 'Links used',
    icon: 'link',
    says: ({ who, details }) =>
      details.kind === 'reset'
        ? say`${who} set a new password with a link`
        : say`${who} accepted the invitation`,
  },
  'member.password_changed': {
    name: 'Passwords changed',
    icon: 'key',
    tone: 'good',
    says: ({ who, own }) => say`${who} changed ${own} password`,
  },
  'member.password_reset': {
    name: 'Passwords reset',
    icon: 'key',
    says: ({ who, whom, mine }) =>
      mine ? say`${who} reset your password` : say`${who} reset the password of ${whom}`,
  },
  'member.removed': {
    name: 'Members removed',
    icon: 'member',
    tone: 'bad',
    says: ({ who, details, before }) => {
      const gone = { name: text(before.name) || text(before.email) };
      return details.invited
        ? say`${who} deleted the invitation of ${gone}`
        : say`${who} removed ${gone} for good`;
    },
  },
  'members.exported': {
    name: 'Members exported',
    icon: 'download',
    says: ({ who }) => say`${who} exported the list of members`,
    more: fileWords,
  },
  'member.second_factor_set': {
    name: 'Second factors set up',
    icon: 'shield',
    tone: 'good',
    says: ({ who }) => say`${who} set up a second factor`,
  },
  'member.second_factor_removed': {
    name: 'Second factors removed',
    icon: 'shield',
    tone: 'bad',
    says: ({ who, whom, self, mine, own }) => {
      if (self) return say`${who} removed ${own} second factor`;
      return mine
        ? say`${who} removed your second factor`
        : say`${who} removed the second factor of ${whom}`;
    },
  },
  'member.recovery_codes_made': {
    name: 'Recovery codes created',
    icon: 'key',
    tone: 'good',
    says: ({ who }) => say`${who} created new recovery codes`,
  },
  'member.recovery_code_used': {
    name: 'Recovery codes used',
    icon: 'key',
    says: ({ who }) => say`${who} used a recovery code`,
  },
  'member.passkey_added': {
    name: 'Passkeys added',
    icon: 'passkey',
    tone: 'good',
    says: ({ who }) => say`${who} added a passkey`,
    more: ({ details }) => [isolated(details.name)],
  },
  'member.passkey_removed': {
    name: 'Passkeys removed',
    icon: 'passkey',
    tone: 'bad',
    says: ({ who }) => say`${who} removed a passkey`,
    more: ({ details }) => [isolated(details.name)],
  },
  'policy.saved': {
    name: 'Session configuration',
    icon: 'shield',
    tone: 'calm',
    says: ({ who }) => say`${who} changed the session configuration`,
    tells: policyWords,
  },
  'sign_in.second_factor_demanded': {
    name: 'Two-step sign-in required or not',
    icon: 'shield',
    tone: ({ after }) => (after.requireSecondFactor ? 'good' : 'calm'),
    says: ({ who, after }) =>
      after.requireSecondFactor
        ? say`${who} required two-step sign-in for everyone`
        : say`${who} stopped requiring two-step sign-in`,
  },
  'organization.changed': {
    name: 'Help contact or logo changed',
    icon: 'organization',
    tone: 'calm',
    says: ({ who, after }) => {
      if (!('logo' in after)) return say`${who} changed the help contact`;
      return say`${who} ${after.logo ? 'changed' : 'removed'} the organization's logo`;
    },
  },
  'guidelines.chosen': {
    name: 'Guidelines chosen',
    icon: 'shield',
    tone: 'calm',
    says: ({ who }) => say`${who} chose which guidelines apply`,
  },
  'organization.set_up': {
    name: 'Organization set up',
    icon: 'organization',
    tone: 'calm',
    says: ({ who }) => say`${who} set up the organization`,
  },
  'organization.renamed': {
    name: 'Organization renamed',
    icon: 'organization',
    tone: 'calm',
    says: ({ who }) => say`${who} renamed the organization`,
    tells: ({ who, after }) => say`${who} renamed the organization to ${named(after.name)}`,
  },
  'database.backed_up': {
    name: 'Backups created',
    icon: 'archive',
    says: ({ who }) => say`${who} created a backup`,
  },
  'database.restored': {
    name: 'Backups restored',
    icon: 'archive',
    tone: 'bad',
    says: ({ who }) => say`${who} restored a backup, which signed everyone out`,
  },
  'clock.accepted': {
    name: 'Clocks accepted',
    icon: 'clock',
    tone: 'bad',
    says: ({ who }) => say`${who} accepted the machine's time, which signed everyone out`,
  },
  'audit.chain_repaired': {
    name: 'Audit log repaired',
    icon: 'log',
    says: ({ who }) =>
      say`${who} repaired hashes of the audit log that an early version lost, and proved that no entry was changed`,
  },
  'audit.exported': {
    name: 'Audit log exported',
    icon: 'download',
    says: ({ who }) => say`${who} exported the audit log`,
    more: fileWords,
  },
  'overview.dismissed': {
    name: 'Hints dismissed',
    icon: 'log',
    says: ({ who }) => say`${who} dismissed a hint on the overview`,
  },
};

/** Every kind of entry by its name, as people choose between them. */
export const ACTIONS = Object.entries(KINDS).map(([value, kind]) => ({
  value,
  label: kind?.name ?? value,
}));

/** What people call a kind of entry. */
export const actionName = (action: string) => KINDS[action]?.name;

/** What happened, in one sentence. */
export function entryWords(entry: AuditEntry, reader: Reader): string {
  return join(entryParts(entry, reader));
}

/** The same sentence in parts, for names that stand out. */
export function entryParts(entry: AuditEntry, reader: Reader, differencesShown = false): Part[] {
  const kind = KINDS[entry.action];
  const words = wordsOf(entry, reader);
  const count = timesWords(entry.details.count);
  if (!kind) return say`${words.who}: ${entry.action}`;
  return [...((!differencesShown && kind.tells) || kind.says)(words), ...(count ? [count] : [])];
}

/** What is known next to the sentence: how many, why, on what device, from where. */
export function entryMore(entry: AuditEntry, reader: Reader): string[] {
  const { details, client, address } = entry;
  const more = KINDS[entry.action]?.more?.(wordsOf(entry, reader)) ?? [];
  const reason = entry.action === 'session.ended' ? '' : isolated(details.reason);
  return [
    ...more,
    ...(details.sessionsEnded === undefined ? [] : [effectOf(entry)]),
    reason && `“${reason}”`,
    // Who acts on settings is known by name, so from where matters only inside the entry.
    client?.browser && deviceName(client),
    client || entry.actor.id === '' ? address : '',
  ].filter((each): each is string => Boolean(each));
}

export function entryLook(entry: AuditEntry): { icon: Icon; tone: Tone } {
  const { icon = 'log', tone = '' } = KINDS[entry.action] ?? {};
  return { icon, tone: typeof tone === 'function' ? tone(wordsOf(entry, {})) : tone };
}

/** What the entry ended, if it says so. */
export function effectOf({ details }: AuditEntry): string | undefined {
  const { sessionsEnded, membersSignedOut } = details;
  if (typeof sessionsEnded !== 'number') return undefined;
  const of = typeof membersSignedOut === 'number' && ` of ${plural(membersSignedOut, 'member')}`;
  return `${plural(sessionsEnded, 'session')}${of || ''}`;
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

/** Of those that change together, as the forms have them. */
const ORDER = ['sessionLength', 'refreshAutomatically', 'maximumLifetime', 'name', 'email', 'role'];

/** What an entry changed, and nothing that stayed. */
export function differences({ details: { before, after } }: AuditEntry): Difference[] {
  if (!isRecord(before) || !isRecord(after)) return [];
  return Object.keys({ ...before, ...after })
    .sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))
    .map((key) => ({
      name: nameOfFact(key),
      before: valueWords(key, before[key]),
      after: valueWords(key, after[key]),
    }))
    .filter((each) => each.before !== each.after);
}

/** What stands elsewhere in an entry: whom it concerns, the client, what it ended, its counters. */
const NO_FACTS =
  /^(before|after|member|userAgent|sessionsEnded|membersSignedOut|version|generation)$/;

/** Everything else in an entry. */
export function facts({ details }: AuditEntry): { name: string; value: string }[] {
  return Object.entries(details)
    .filter(([key, value]) => !NO_FACTS.test(key) && value !== '')
    .map(([key, value]) => ({ name: nameOfFact(key), value: valueWords(key, value) }));
}

const FACTS: Record<string, string> = {
  active: 'Sign-in',
  requireSecondFactor: 'Two-step sign-in',
  methods: 'Proved by',
  linksWithdrawn: 'Open links withdrawn',
};

const VALUES: Record<string, [no: string, yes: string]> = {
  active: ['blocked', 'allowed'],
  refreshAutomatically: ['off', 'on'],
  requireSecondFactor: ['optional', 'required'],
};

function nameOfFact(key: string): string {
  return FACTS[key] ?? upper(key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
}

function valueWords(key: string, value: unknown): string {
  if (value === null || value === undefined || value === '') return 'none';
  if (key === 'logo') return 'a picture';
  if (typeof value === 'boolean') return (VALUES[key] ?? ['no', 'yes'])[value ? 1 : 0];
  if (typeof value === 'number') return formatNumber(value);
  if (Array.isArray(value)) return value.map(readable).join(', ');
  if (isRecord(value)) {
    const parts = Object.entries(value).map(([name, each]) => `${name}: ${String(each)}`);
    return parts.join(', ') || 'none';
  }
  if (typeof value !== 'string') return JSON.stringify(value);
  return key === 'reason' || key === 'kind' || key === 'wrong' ? readable(value) : value;
}

function wordsOf(entry: AuditEntry, { self, nameOf }: Reader): Words {
  const { actor, details } = entry;
  // Entries about one's own account may leave out whose session it was.
  const id = memberOf(entry) ?? (entry.action === 'session.ended' ? (self ?? null) : null);
  const byReader = actor.id !== '' && actor.id === self;
  const mine = id !== null && id === self;
  const name = id === null ? '' : nameOf?.(id) || (id === actor.id && actor.name) || nameIn(entry);
  return {
    who: byReader ? 'You' : { name: upper(actor.name) },
    whom: mine ? 'you' : name ? { name } : 'another member',
    known: id !== null,
    mine,
    self: id !== null && id === actor.id,
    own: byReader ? 'your' : 'their',
    details,
    before: isRecord(details.before) ? details.before : {},
    after: isRecord(details.after) ? details.after : {},
  };
}

function refusedWords({ whom, known, mine, details }: Words): Part[] {
  if (details.wrong === 'passkey') return ['A passkey was refused'];
  if (!known) return ['Sign-in with an unknown e-mail address'];
  if (details.wrong === 'code' || details.wrong === 'no_code') {
    const but = details.wrong === 'code' ? 'but a wrong code' : 'but no code';
    return mine
      ? say`Someone entered your correct password ${but}`
      : say`Someone entered the correct password of ${whom} ${but}`;
  }
  return mine ? ['Wrong password'] : say`Wrong password for ${whom}`;
}

function endedWords({ who, whom, mine, self, own, details }: Words): Part[] {
  const ended = (how: string) =>
    mine ? say`One of your sessions ${how}` : say`A session of ${whom} ${how}`;
  switch (details.reason) {
    case 'signed_out':
      return say`${who} signed out`;
    case 'expired':
      return ended('expired');
    case 'token_reuse':
      return ended('was ended because a copy of it was in use elsewhere');
    case 'credential_changed':
      return ended('was ended because a password or second factor changed');
    case 'member_deactivated':
    case 'member_removed':
      return ended('was ended with the account');
    default:
      if (self) return say`${who} signed out another of ${own} sessions`;
      return mine
        ? say`${who} revoked one of your sessions`
        : say`${who} revoked a session of ${whom}`;
  }
}

function endedTone({ details: { reason }, self }: Words): Tone {
  return reason === 'signed_out' || reason === 'expired' || (reason === 'revoked' && self)
    ? ''
    : 'bad';
}

function changedWords({ who, whom, mine, self, own, before, after }: Words): Part[] {
  const whose = self ? own : mine ? 'your' : null;
  const changed = Object.keys(after).filter((key) => before[key] !== after[key]);
  switch (changed.length === 1 && changed[0]) {
    case 'name':
      if (whose) return say`${who} changed ${whose} name to ${named(after.name)}`;
      return before.name === ''
        ? say`${who} named ${named(after.name)}`
        : say`${who} renamed ${named(before.name)} to ${named(after.name)}`;
    case 'email':
      return whose
        ? say`${who} changed ${whose} e-mail address to ${isolated(after.email)}`
        : say`${who} changed the e-mail address of ${whom} to ${isolated(after.email)}`;
    case 'role':
      return say`${who} made ${whom} ${roleWords('', after.role)}`;
    case 'active':
      return after.active
        ? say`${who} allowed ${whom} to sign in again`
        : say`${who} blocked sign-in for ${whom}`;
    default:
      return self ? say`${who} changed ${own} account` : say`${who} changed ${whom}`;
  }
}

function policyWords({ who, before, after }: Words): Part[] {
  const { sessionLength: length, refreshAutomatically: refresh, maximumLifetime: most } = after;
  const changed = Object.keys(after).filter((key) => before[key] !== after[key]);
  switch (changed.length === 1 && changed[0]) {
    case 'sessionLength':
      return say`${who} set the session length to ${text(length)}`;
    case 'refreshAutomatically':
      return say`${who} turned automatic refresh ${refresh ? 'on' : 'off'}`;
    case 'maximumLifetime':
      return most
        ? say`${who} set the maximum lifetime to ${text(most)}`
        : say`${who} removed the maximum lifetime`;
  }
  if (!length) return say`${who} changed the session configuration`;
  const values = `${text(length)}, refresh ${refresh ? 'on' : 'off'}`;
  return say`${who} changed the session configuration: ${values}${most ? `, at most ${text(most)}` : ''}`;
}

/** The names in the entries: of the members who acted, and of those it was done to. */
export function namesIn(entries: AuditEntry[]): [id: string, name: string][] {
  return entries.flatMap((entry) => {
    const target = memberOf(entry);
    const name = target && nameIn(entry);
    return [
      ...(entry.actor.id ? [[entry.actor.id, entry.actor.name] as [string, string]] : []),
      ...(target && name ? [[target, name] as [string, string]] : []),
    ];
  });
}

/** The name that an entry itself gives to the member whom it concerns. Passkeys have one too. */
function nameIn({ action, details }: AuditEntry): string {
  const told = isRecord(details.after) ? details.after : details;
  return action.startsWith('member.passkey') ? '' : text(told.name) || text(told.email);
}

/** How often, in an entry that counts refusals without an entry of their own. */
function timesWords(count: unknown): string {
  if (typeof count !== 'number') return '';
  return count === 1 ? ' once more' : ` ${formatNumber(count)} more times`;
}

/** How somebody proved who they are, unless by a password alone. */
function methodWords(methods: unknown): string {
  if (!Array.isArray(methods)) return '';
  if (methods.includes('passkey')) return ' with a passkey';
  if (methods.includes('recovery_code')) return ' with a recovery code';
  return methods.includes('totp') ? ' with a code' : '';
}

function fileWords({ details: { format } }: Words): string[] {
  return [format === 'jsonl' ? 'JSON Lines' : text(format).toUpperCase()];
}

function roleWords(as: string, role: unknown): string {
  if (typeof role !== 'string') return '';
  return `${as} ${/^[aeiou]/.test(role) ? 'an' : 'a'} ${role}`.trim();
}

function join(parts: Part[]): string {
  return parts.map((part) => (typeof part === 'string' ? part : bidiIsolate(part.name))).join('');
}

const named = (value: unknown) => ({ name: text(value) });
const isolated = (value: unknown) => bidiIsolate(text(value));
const text = (value: unknown) => (typeof value === 'string' ? value : '');
const readable = (value: unknown) => String(value).replaceAll('_', ' ');

function isRecord(value: unknown): value is Details {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function upper(name: string): string {
  return name === 'nobody' ? 'Someone' : name.charAt(0).toUpperCase() + name.slice(1);
}
