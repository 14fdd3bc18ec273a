/** What became of a link to the settings. It is kept in memory, so a reload forgets it. */
class SettingsLink {
  /** Whether the person who opened it had to sign in first. */
  opened = false;
  /** Whether a member opened it who may not see settings, and came to their account instead. */
  refused = $state(false);
}

export const settingsLink = new SettingsLink();
