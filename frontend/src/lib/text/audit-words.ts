import type { AuditEntry } from '../api/audit';
import type { Icon } from '../ui/EntryIcon.svelte';
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
type Tone = '' | 'calm' | 'good' | 'bad';

/** A kind of entry. To add one, add it to KINDS. */
interface Kind {
  /** What people select it by. */
  name: string;
  icon: Icon;
  tone: Tone | ((words: Words) => Tone);
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
  /** The member it concerns: a name, "you" or "another member". */
  member: Part;
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

/** A kind of entry. What it says may be only what the actor did, as in "created a backup". */
const kind = (
  name: string,
  icon: Icon,
  tone: Kind['tone'],
  says: string | Kind['says'],
  rest: Pick<Kind, 'tells' | 'more'> = {},
): Kind => ({
  name,
  icon,
  tone,
  says: typeof says === 'string' ? ({ who }) => say`${who} ${says}` : says,
  ...rest,
});

const KINDS: Record<string, Kind | undefined> = {
  'session.started': kind(
    'Sign-ins',
    'session',
    '',
    ({ who, details }) => say`${who} signed in${methodWords(details.methods)}`,
  ),
  'session.refused': kind('Refused sign-ins', 'alert', 'bad', refusedWords),
  'session.reauthenticated': kind('Identities confirmed', 'key', '', ({ who, own, details }) => {
    return say`${who} confirmed ${own} identity${methodWords(details.methods)}`;
  }),
  'session.reauthentication_refused': kind(
    'Confirmations refused',
    'alert',
    'bad',
    unconfirmedWords,
  ),
  'session.ended': kind('Sessions ended', 'revoke', endedTone, endedWords),
  'member.sessions_revoked': kind(
    'Revoked for a member',
    'revoke',
    'bad',
    ({ who, member, self }) =>
      self ? say`${who} signed out everywhere` : say`${who} signed ${member} out everywhere`,
  ),
  'sessions.revoked': kind(
    'Revoked by filter',
    'revoke',
    'bad',
    'revoked all sessions that matched a filter',
  ),
  'sessions.revoked_all': kind('Revoked for all', 'revoke', 'bad', 'revoked all sessions'),
  'sessions.exported': kind('Sessions exported', 'download', '', 'exported the list of sessions', {
    more: fileWords,
  }),
  'member.invited': kind(
    'Invitations',
    'member',
    '',
    ({ who, member }) => say`${who} invited ${member}`,
    {
      more: ({ details }) => [roleWords('as', details.role)],
    },
  ),
  'member.changed': kind('Members changed', 'member', '', memberWords, { tells: changedWords }),
  'member.link_issued': kind('Links created', 'link', '', ({ who, member, details }) => {
    const link = details.kind === 'reset' ? 'password reset link' : 'new invitation link';
    return say`${who} created a ${link} for ${member}`;
  }),
  'member.link_used': kind('Links used', 'link', '', ({ who, details }) =>
    details.kind === 'reset'
      ? say`${who} set a new password with a link`
      : say`${who} accepted the invitation`,
  ),
  'member.password_changed': kind(
    'Passwords changed',
    'key',
    'good',
    ({ who, own }) => say`${who} changed ${own} password`,
  ),
  'member.password_reset': kind('Passwords reset', 'key', '', ({ who, member, mine }) =>
    mine ? say`${who} reset your password` : say`${who} reset the password of ${member}`,
  ),
  'member.removed': kind('Members removed', 'member', 'bad', removedWords),
  'members.exported': kind('Members exported', 'download', '', 'exported the list of members', {
    more: fileWords,
  }),
  'member.second_factor_set': kind(
    'Second factors set up',
    'shield',
    'good',
    'set up a second factor',
  ),
  'member.second_factor_removed': kind(
    'Second factors removed',
    'shield',
    'bad',
    ({ who, member, self, mine, own }) =>
      self || mine
        ? say`${who} removed ${self ? own : 'your'} second factor`
        : say`${who} removed the second factor of ${member}`,
  ),
  'member.recovery_codes_made': kind(
    'Recovery codes created',
    'key',
    'good',
    'created new recovery codes',
  ),
  'member.recovery_code_used': kind('Recovery codes used', 'key', '', 'used a recovery code'),
  'member.passkey_added': kind('Passkeys added', 'passkey', 'good', 'added a passkey', {
    more: ({ details }) => [isolated(details.name)],
  }),
  'member.passkey_removed': kind('Passkeys removed', 'passkey', 'bad', 'removed a passkey', {
    more: ({ details }) => [isolated(details.name)],
  }),
  'policy.saved': kind(
    'Session configuration',
    'shield',
    'calm',
    'changed the session configuration',
    { tells: policyWords },
  ),
  'sign_in.second_factor_demanded': kind(
    'Two-step sign-in required or not',
    'shield',
    ({ after }) => (after.requireSecondFactor ? 'good' : 'calm'),
    ({ who, after }) =>
      after.requireSecondFactor
        ? say`${who} required two-step sign-in for everyone`
        : say`${who} stopped requiring two-step sign-in`,
  ),
  'guidelines.chosen': kind('Guidelines chosen', 'shield', 'calm', 'chose which guidelines apply'),
  'organization.set_up': kind(
    'Organization set up',
    'organization',
    'calm',
    'set up the organization',
  ),
  'organization.renamed': kind(
    'Organization renamed',
    'organization',
    'calm',
    'renamed the organization',
    {
      tells: ({ who, after }) => say`${who} renamed the organization to ${named(after.name)}`,
    },
  ),
  'organization.changed': kind(
    'Help contact or logo changed',
    'organization',
    'calm',
    ({ who, after }) =>
      'logo' in after
        ? say`${who} ${after.logo ? 'changed' : 'removed'} the organization's logo`
        : say`${who} changed the help contact`,
  ),
  'database.backed_up': kind('Backups created', 'archive', '', 'created a backup'),
  'database.restored': kind(
    'Backups restored',
    'archive',
    'bad',
    'restored a backup, which signed everyone out',
  ),
  'clock.accepted': kind(
    'Clocks accepted',
    'clock',
    'bad',
    "accepted the machine's time, which signed everyone out",
  ),
  'audit.chain_repaired': kind(
    'Audit log repaired',
    'log',
    '',
    'repaired hashes of the audit log that an early version lost, and proved that no entry was changed',
  ),
  'audit.exported': kind('Audit log exported', 'download', '', 'exported the audit log', {
    more: fileWords,
  }),
  'overview.dismissed': kind('Hints dismissed', 'log', '', 'dismissed a hint on the overview'),
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

/** What stands elsewhere in an entry: its member, the client, what it ended, its counters. */
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
    member: mine ? 'you' : name ? { name } : 'another member',
    known: id !== null,
    mine,
    self: id !== null && id === actor.id,
    own: byReader ? 'your' : 'their',
    details,
    before: isRecord(details.before) ? details.before : {},
    after: isRecord(details.after) ? details.after : {},
  };
}

function refusedWords({ member, known, mine, details }: Words): Part[] {
  if (details.wrong === 'passkey') return ['A passkey was refused'];
  if (!known) return ['Sign-in with an unknown e-mail address'];
  if (details.wrong === 'code' || details.wrong === 'no_code') {
    const but = details.wrong === 'code' ? 'but a wrong code' : 'but no code';
    return mine
      ? say`Someone entered your correct password ${but}`
      : say`Someone entered the correct password of ${member} ${but}`;
  }
  return mine ? ['Wrong password'] : say`Wrong password for ${member}`;
}

function unconfirmedWords({ member, mine, details }: Words): Part[] {
  if (details.wrong === 'passkey') return ['A passkey was refused'];
  const what = details.wrong === 'code' ? 'Wrong code' : 'Wrong password';
  return mine ? say`${what} to confirm your identity` : say`${what} to confirm as ${member}`;
}

function removedWords({ who, details, before }: Words): Part[] {
  const gone = { name: text(before.name) || text(before.email) };
  return details.invited
    ? say`${who} deleted the invitation of ${gone}`
    : say`${who} removed ${gone} for good`;
}

function memberWords({ who, member, self, own }: Words): Part[] {
  return self ? say`${who} changed ${own} account` : say`${who} changed ${member}`;
}

function endedWords({ who, member, mine, self, own, details }: Words): Part[] {
  const ended = (how: string) =>
    mine ? say`One of your sessions ${how}` : say`A session of ${member} ${how}`;
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
        : say`${who} revoked a session of ${member}`;
  }
}

function endedTone({ details: { reason }, self }: Words): Tone {
  return reason === 'signed_out' || reason === 'expired' || (reason === 'revoked' && self)
    ? ''
    : 'bad';
}

function changedWords(words: Words): Part[] {
  const { who, member, mine, self, own, before, after } = words;
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
        : say`${who} changed the e-mail address of ${member} to ${isolated(after.email)}`;
    case 'role':
      return say`${who} made ${member} ${roleWords('', after.role)}`;
    case 'active':
      return after.active
        ? say`${who} allowed ${member} to sign in again`
        : say`${who} blocked sign-in for ${member}`;
    default:
      return memberWords(words);
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

/** The name that an entry itself gives to the member it concerns. Passkeys have one too. */
function nameIn({ action, details }: AuditEntry): string {
  const told = isRecord(details.after) ? details.after : details;
  return action.startsWith('member.passkey') ? '' : text(told.name) || text(told.email);
}

/** How often, in an entry that counts refusals without an entry of their own. */
function timesWords(count: unknown): string {
  if (typeof count !== 'number') return '';
  return count === 1 ? ' once more' : ` ${formatNumber(count)} more times`;
}

/** How a member proved who they are, unless by a password alone. */
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
