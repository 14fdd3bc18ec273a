/** The server's limits: at least so many characters, at most so many bytes of UTF-8. */
const FEWEST_CHARACTERS = 15;
const MOST_BYTES = 1024;

/** How many letters and digits the server wants next to common words and runs. */
const OWN_CHARACTERS = 8;

/** The server's list. */
const COMMON_WORDS = `password passwort passw0rd p@ssw0rd iloveyou qwerty qwertz azerty
  asdfgh zxcvbn welcome letmein admin login secret changeme default hello dragon monkey football
  baseball sunshine princess superman batman master shadow trustno1 whatever starwars computer
  internet freedom abc123 1q2w3e 1qaz2wsx`.split(/\s+/);

/** What a new password still needs, while it is being typed. */
export function passwordHint(password: string): string {
  const characters = [...password.normalize('NFC')].length;
  const missing = FEWEST_CHARACTERS - characters;
  if (characters === 0) {
    return `At least ${FEWEST_CHARACTERS} characters. A few words are easy to remember.`;
  }
  if (missing > 0) return `${missing} more ${missing === 1 ? 'character' : 'characters'} needed.`;
  if (new TextEncoder().encode(password).length > MOST_BYTES)
    return 'Too long. Leave some of it out.';
  if (isEasy(password)) return 'Easy to guess. Add a few words of your own.';
  return 'Long enough.';
}

/** Reports whether a password is little more than common words, and runs such as "1234567". */
function isEasy(password: string): boolean {
  const whole = password.toLowerCase();
  const rest = COMMON_WORDS.toSorted((a, b) => b.length - a.length).reduce(
    (text, word) => text.replaceAll(word, ' '),
    whole,
  );
  return ownCharacters(rest) < Math.min(OWN_CHARACTERS, whole.match(/[\p{L}\p{N}]/gu)?.length ?? 0);
}

/** Counts letters and digits, of each run the first two. */
function ownCharacters(text: string): number {
  const codes = [...text].map((each) => each.codePointAt(0) ?? 0);
  const step = (i: number) => (codes[i] ?? 0) - (codes[i - 1] ?? 0);
  const runs = (i: number) => Math.abs(step(i)) <= 1 && step(i) === step(i - 1);
  return [...text].filter((each, i) => /[\p{L}\p{N}]/u.test(each) && !runs(i)).length;
}
