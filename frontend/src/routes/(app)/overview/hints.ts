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
  button: string;
  path: string;
}

interface Reader {
  id: string;
  role: Role;
}

const DAY = 86_400_000;
const MEMBERS = '/settings/members';
/** What only the server's operator can do. */
const SERVER = '/help#server';

/** Hints that cannot be dismissed say that something is broken. */
export const isBroken = ({ kind }: Hint) => kind === 'log_broken' || kind === 'clock';

export const dismissable = (hint: Hint): HintKind | null =>
  isBroken(hint) ? null : (hint.kind as HintKind);

export function hintWords(hint: Hint, reader: Reader, now: number): Words {
  const { kind, count = 0, admins = 0, at, member } = hint;
  const ago = at && `${plural(Math.floor((now - Date.parse(at)) / DAY), 'day')} ago`;
  switch (kind) {
    case 'only_owner': {
      const title = member?.id === reader.id ? 'You are the only owner' : 'There is only one owner';
      const text = 'Lose access, and only the server can help.';
      if (reader.role === 'owner') return { title, text, button: 'Add one', path: MEMBERS };
      return { title, text, button: 'See who', path: `${MEMBERS}?role=owner` };
    }
    case 'second_factor': {
      const title = `${formatNumber(count)} without a second factor`;
      const text =
        admins === 0
          ? 'A stolen password is enough to sign in.'
          : `${formatNumber(admins)} of them ${admins === 1 ? 'is an admin' : 'are admins'}.`;
      return { title, text, button: 'See who', path: `${MEMBERS}?secondFactor=none&state=active` };
    }
    case 'backup': {
      const title = ago ? `Last backup ${ago}` : 'No backup yet';
      return { title, text: 'Back up after every big change.', button: 'How to', path: SERVER };
    }
    case 'mail': {
      const title = 'The mail server refuses mail';
      return { title, text: 'The last link could not be mailed.', button: 'How to', path: SERVER };
    }
    case 'log_unverified': {
      const title = ago ? `Audit log verified ${ago}` : 'Audit log never verified';
      const text = 'A check shows that nothing was altered.';
      return { title, text, button: 'Verify', path: '/settings/audit' };
    }
    case 'log_broken': {
      const title = 'The audit log was altered';
      const text = 'Some entries no longer match.';
      return { title, text, button: 'See log', path: '/settings/audit' };
    }
    case 'clock': {
      const title = `The server’s clock is ${plural(Math.ceil(count / 60), 'minute')} behind`;
      const text = 'Sessions end by the newest time on record.';
      return { title, text, button: 'How to', path: SERVER };
    }
    case 'data_folder': {
      const title = 'Others can write the data folder';
      const text = 'Another account on the server could change it.';
      return { title, text, button: 'How to', path: SERVER };
    }
  }
}

export function stepWords({ kind }: SetUpStep, policy: Policy): Words {
  switch (kind) {
    case 'second_factor': {
      const title = 'Add a second factor for yourself';
      const text = 'A stolen password is then not enough.';
      return { title, text, button: 'Add', path: '/account' };
    }
    case 'mail': {
      const title = 'Connect a mail server';
      const text = 'Until then, you send invitations yourself.';
      return { title, text, button: 'How to', path: SERVER };
    }
    case 'second_owner': {
      const text = 'They can help if you lose access.';
      return { title: 'Invite a second owner', text, button: 'Invite', path: MEMBERS };
    }
    case 'policy': {
      const title = 'Choose how long sessions last';
      const text = `Now ${formatLength(policy.sessionLength)}.`;
      return { title, text, button: 'Choose', path: '/settings/security' };
    }
    case 'backup': {
      const text = 'One command on the server.';
      return { title: 'Make a first backup', text, button: 'How to', path: SERVER };
    }
  }
}

const GOOD: Record<Overview['good'][number], string> = {
  https: 'HTTPS',
  mail: 'mail server',
  owners: 'more than one owner',
  backup: 'backup',
  log: 'audit log',
  data_folder: 'data folder',
  clock: 'clock',
};

/** What was checked and is well, in one line. */
export const goodWords = (good: Overview['good']) =>
  `All good: ${good.map((each) => GOOD[each]).join(', ')}.`;
