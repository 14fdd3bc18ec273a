import { formatUnits } from '../text/formats';
import type { components } from './schema';

export type ProblemDocument = components['schemas']['Problem'];

/** The server refused, and says why in a problem document (RFC 9457). */
export class Problem extends Error {
  override name = 'Problem';

  constructor(
    readonly document: ProblemDocument,
    /** Seconds until a retry makes sense, if the server named them. */
    readonly retryAfter: number | null = null,
  ) {
    super(document.detail);
  }

  get code() {
    return this.document.code;
  }

  get status() {
    return this.document.status;
  }

  /** Returns what is wrong with one field of the request, or undefined. */
  at(field: string): string | undefined {
    return this.document.errors?.find((error) => error.field === field)?.message;
  }
}

/**
 * Thrown in place of a refusal that the listener in the client has handled. Callers show nothing.
 */
export class SessionOver extends Error {
  override name = 'SessionOver';
}

/** No answer came: the network or the server is down. */
export class Unreachable extends Error {
  override name = 'Unreachable';
}

const is = (code: string) => (error: unknown) => error instanceof Problem && error.code === code;

/** What was wrong with a proof of identity. */
export const wrong = {
  password: is('bad_credentials'),
  code: is('bad_code'),
  passkey: is('bad_passkey'),
};

/** What else the server asks for. */
export const wants = { code: is('second_factor_required'), proof: is('reauthentication_required') };

/** Reports whether the session must prove a second factor first, as the organization requires. */
export const isRestricted = is('session_restricted');

/** Reports whether the error says that the session has ended. An outage never says so. */
export function endsSession(error: unknown): error is Problem {
  const refusedProof =
    wrong.password(error) || wrong.code(error) || wrong.passkey(error) || wants.code(error);
  return error instanceof Problem && error.status === 401 && !refusedProof;
}

/** What went wrong, in words. */
export interface Explanation {
  title: string;
  detail: string;
  retry: boolean;
}

export function explain(error: unknown): Explanation {
  if (error instanceof Unreachable) {
    return navigator.onLine
      ? {
          title: 'Curfew cannot be reached',
          detail: 'The server does not answer. This does not sign you out.',
          retry: true,
        }
      : {
          title: 'You are offline',
          detail: 'Try again once you are connected. This does not sign you out.',
          retry: true,
        };
  }
  if (!(error instanceof Problem)) {
    return {
      title: 'Something went wrong',
      detail: 'Reload the page. If it happens again, tell an admin.',
      retry: true,
    };
  }
  if (error.status === 429) {
    return {
      title: 'Too many attempts',
      detail: `Try again ${wait(error.retryAfter)}.`,
      retry: false,
    };
  }
  if (error.status >= 500) {
    return {
      title: 'The server has a problem',
      detail: `It could not answer. This does not sign you out. Try again ${wait(error.retryAfter)}.`,
      retry: true,
    };
  }
  if (wrong.passkey(error)) {
    return { title: 'The passkey was refused', detail: error.document.detail, retry: false };
  }
  if (error.status === 403) {
    return { title: 'You may not do this', detail: error.document.detail, retry: false };
  }
  return { title: 'This did not work', detail: error.document.detail, retry: false };
}

function wait(seconds: number | null): string {
  if (seconds === null) return 'in a moment';
  const [value, unit] =
    seconds <= 90 ? [seconds, 'second' as const] : [Math.ceil(seconds / 60), 'minute' as const];
  return `in ${formatUnits(value, unit)}`;
}
