import type { AuditEntry } from '$lib/api/account';

/** What happened, told to the member whose account it is. */
export function activityWords(entry: AuditEntry, memberId: string): string {
  const { action, actor, details, address } = entry;
  const who = actor.id === memberId ? 'You' : upper(actor.name);
  const from = address ? ` from ${address}` : '';
  switch (action) {
    case 'organization.set_up':
      return `${who} set up the organization`;
    case 'policy.saved':
      return `${who} saved the session configuration${policyWords(details.after)}`;
    case 'session.started':
      return `${who} signed in${from}`;
    case 'session.refused':
      return `Somebody tried to sign in with a wrong password${from}`;
    case 'session.ended':
      return endedWords(who, details, memberId);
    case 'sessions.revoked_all':
      return `${who} revoked all sessions${details.reason ? `: ${details.reason}` : ''}`;
    case 'session.reauthenticated':
      return `${who} confirmed your password${from}`;
    case 'session.reauthentication_refused':
      return `A wrong password was given to confirm who you are${from}`;
    case 'member.password_reset':
      return `${who} reset your password`;
    case 'member.password_changed':
      return `${who} changed your password`;
    default:
      return `${who}: ${action}`;
  }
}

function endedWords(who: string, { reason, member }: Details, memberId: string): string {
  const whose =
    member === undefined || member === memberId
      ? 'one of your sessions'
      : 'a session of another member';
  switch (reason) {
    case 'signed_out':
      return `${who} signed out`;
    case 'expired':
      return `${upper(whose)} expired`;
    case 'token_reuse':
      return `${upper(whose)} was ended because a copy of it was in use elsewhere`;
    case 'credential_changed':
      return `${upper(whose)} was ended because the password changed`;
    case 'member_deactivated':
      return `${upper(whose)} was ended with the account`;
    default:
      return `${who} ended ${whose}`;
  }
}

type Details = AuditEntry['details'];

function policyWords(after: unknown): string {
  if (typeof after !== 'object' || after === null) return '';
  const { sessionLength, refreshAutomatically, maximumLifetime } = after as Details;
  if (typeof sessionLength !== 'string') return '';
  const most = typeof maximumLifetime === 'string' ? `, at most ${maximumLifetime}` : '';
  return `: ${sessionLength}, refresh ${refreshAutomatically ? 'on' : 'off'}${most}`;
}

function upper(name: string): string {
  return name === 'nobody' ? 'Somebody' : name.charAt(0).toUpperCase() + name.slice(1);
}
