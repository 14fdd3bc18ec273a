const DISTURBING = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|\p{Bidi_Control}/u;

/** Keeps a name that runs from right to left, or would have others run so, from turning around the sentence that it stands in. */
export function bidiIsolate(name: string): string {
  return DISTURBING.test(name) ? `\u2068${name}\u2069` : name;
}
