/**
 * What the sign-in page says about the session that ended. It stays in memory, because revoking all
 * sessions has the browser clear its storage. It is a module of its own, so that the sign-in page
 * loads nothing of what a session needs.
 */
class Farewell {
  message = $state<string | null>(null);
}

export const farewell = new Farewell();
