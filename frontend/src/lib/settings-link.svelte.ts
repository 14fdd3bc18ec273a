/**
 * What became of a link to the settings that somebody opened. It is kept in memory, so that a page that is loaded again says nothing of it.
 */
class SettingsLink {
  /** Whether one was opened by somebody who had to sign in first. */
  opened = false;
  /** Whether the last one was opened by a member who may not see settings, and came to their account instead. */
  refused = $state(false);
}

export const settingsLink = new SettingsLink();
