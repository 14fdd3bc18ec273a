/** The server's limits: at least so many characters, at most so many bytes of UTF-8. */
const FEWEST_CHARACTERS = 15;
const MOST_BYTES = 1024;

/** What a new password still needs, while it is being typed. */
export function passwordHint(password: string): string {
  const characters = [...password.normalize('NFC')].length;
  const missing = FEWEST_CHARACTERS - characters;
  if (characters === 0) {
    return `At least ${FEWEST_CHARACTERS} characters. A few words with spaces are easy to remember.`;
  }
  if (missing > 0) return `${missing} more ${missing === 1 ? 'character' : 'characters'} needed.`;
  if (new TextEncoder().encode(password).length > MOST_BYTES)
    return 'Too long. Leave some of it out.';
  return 'Long enough.';
}
