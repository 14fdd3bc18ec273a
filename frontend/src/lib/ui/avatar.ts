const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The first letters of the first and the last word of a name, as in "NI" for Nandini Iyer. */
export function initials(name: string): string {
  const words = name.split(/[\s\u2068\u2069]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const letters = (words.length > 1 ? [words[0], words.at(-1)] : words).map(firstLetter);
  // Two letters of a script that joins them would read as a word.
  return letters.some((letter) => /\p{Script=Arabic}/u.test(letter))
    ? firstLetter(words[0])
    : letters.join('');
}

function firstLetter(word = ''): string {
  for (const { segment } of graphemes.segment(word)) return segment.toLocaleUpperCase();
  return '';
}

/** One of the six tones of the design, always the same for the same id. */
export function tone(id: string): string {
  let hash = 0;
  for (let i = 0; i < id.length; i++) hash = (hash * 31 + id.charCodeAt(i)) >>> 0;
  return `t${(hash % 6) + 1}`;
}
