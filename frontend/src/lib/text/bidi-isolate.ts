const DISTURBING = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|\p{Bidi_Control}/u;

/** Isolates a name that runs from right to left, so that it does not turn around its sentence. */
export function bidiIsolate(name: string): string {
  return DISTURBING.test(name) ? `\u2068${name}\u2069` : name;
}
