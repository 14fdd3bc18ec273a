/** The outcome of a link to the settings. It is kept in memory, so a reload forgets it. */
class SettingsLink {
  /** Whether the person who opened it had to sign in first. */
  opened = false;
  /** Whether a member without access to settings opened it, and came to their account instead. */
  refused = $state(false);
}

export const settingsLink = new SettingsLink();
