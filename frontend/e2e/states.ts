import { account } from './states/account';
import { audit } from './states/audit';
import { general } from './states/general';
import { members } from './states/members';
import { overview } from './states/overview';
import { security } from './states/security';
import { sessions } from './states/sessions';
import { shell } from './states/shell';
import { signedOut } from './states/signed-out';
import type { State } from './states/state';

/** Every page and main state, for axe, narrow screens and screenshots. */
export const STATES: State[] = [
  ...signedOut,
  ...shell,
  ...overview,
  ...security,
  ...sessions,
  ...members,
  ...audit,
  ...general,
  ...account,
];
