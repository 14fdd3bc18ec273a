import type { Hint, HintKind, Overview, SetUpStep } from '$lib/api/overview';
import type { Role } from '$lib/api/members';
import type { Policy } from '$lib/api/settings';
import { formatNumber } from '$lib/text/formats';
import { formatLength } from '$lib/text/policy';
import { plural } from '$lib/text/plural';

/** What a hint says, and where its one button leads. */
export interface Words {
  title: string;
  text: string;
  button?: { label: string; path: string };
}

interface Reader {
  id: string;
  role: Role;
}

const DAY = 86_400_000;

/** What only the server's operator can do. */
const HELP = { label: 'How to', path: '/help#server' };

/** Hints that cannot be dismissed say that something is broken. */
export const isBroken = ({ kind }: Hint) => kind === 'log_broken' || kind === 'clock';

export const dismissable = (hint: Hint): HintKind | null =>
  isBroken(hint) ? null : (hint.kind as HintKind);

export function hintWords(hint: Hint, reader: Reader, now: number): Words {
  const { kind, count = 0, admins = 0, at, member } = hint;
  const days = at ? Math.floor((now - Date.parse(at)) / DAY) : 0;
  switch (kind) {
    case 'only_owner':
      return {
        title: member?.id === reader.id ? 'You are the only owner' : 'There is only one owner',
        text: 'Lose access, and only the server can help.',
        ...(reader.role === 'owner'
          ? { button: { label: 'Add one', path: '/settings/members' } }
          : { button: { label: 'See who', path: '/settings/members?role=owner' } }),
      };
    case 'second_factor':
      return {
        title: `${formatNumber(count)} without a second factor`,
        text: adminsWords(admins),
        button: { label: 'See who', path: '/settings/members?secondFactor=none' },
      };
    case 'backup':
      return {
        title: at ? `Last backup ${plural(days, 'day')} ago` : 'No backup yet',
        text: 'Back up after every big change.',
        button: HELP,
      };
    case 'mail':
      return {
        title: 'The mail server refuses mail',
        text: 'The last link could not be mailed.',
        button: HELP,
      };
    case 'log_unverified':
      return {
        title: at ? `Audit log verified ${plural(days, 'day')} ago` : 'Audit log never verified',
        text: 'A check shows that nothing was altered.',
        button: { label: 'Verify', path: '/settings/audit' },
      };
    case 'log_broken':
      return {
        title: 'The audit log was altered',
        text: 'Some entries no longer match.',
        button: { label: 'See log', path: '/settings/audit' },
      };
    case 'clock':
      return {
        title: `The server’s clock is ${plural(Math.ceil(count / 60), 'minute')} behind`,
        text: 'Sessions end by the newest time on record.',
        button: HELP,
      };
    case 'data_folder':
      return {
        title: 'Others can write the data folder',
        text: 'Another account on the server could change it.',
        button: HELP,
      };
  }
}

function adminsWords(admins: number): string {
  if (admins === 0) return 'A stolen password is enough to sign in.';
  return admins === 1 ? '1 of them is an admin.' : `${formatNumber(admins)} of them are admins.`;
}

export function stepWords(
  { kind }: SetUpStep,
  policy: Policy,
): Words & Required<Pick<Words, 'button'>> {
  switch (kind) {
    case 'second_factor':
      return {
        title: 'Add a second factor for yourself',
        text: 'A stolen password is then not enough.',
        button: { label: 'Add', path: '/account' },
      };
    case 'mail':
      return {
        title: 'Connect a mail server',
        text: 'Until then, you send invitations yourself.',
        button: HELP,
      };
    case 'second_owner':
      return {
        title: 'Invite a second owner',
        text: 'They can help if you lose access.',
        button: { label: 'Invite', path: '/settings/members' },
      };
    case 'policy':
      return {
        title: 'Choose how long sessions last',
        text: `Now ${formatLength(policy.sessionLength)}.`,
        button: { label: 'Choose', path: '/settings/security' },
      };
    case 'backup':
      return {
        title: 'Make a first backup',
        text: 'One command on the server.',
        button: HELP,
      };
  }
}

const GOOD: Record<Overview['good'][number], string> = {
  https: 'HTTPS',
  mail: 'mail server',
  owners: 'more than one owner',
  data_folder: 'data folder',
  backup: 'backup',
  log: 'audit log',
  clock: 'clock',
};

/** What was checked and is well, in one line. */
export const goodWords = (good: Overview['good']) =>
  `All good: ${good.map((each) => GOOD[each]).join(', ')}.`;
