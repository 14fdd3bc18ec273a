import createClient, { type FetchResponse } from 'openapi-fetch';
import { learnTime } from '../text/clock';
import { endsSession, isRestricted, Problem, SessionOver, Unreachable } from './problem';
import type { paths } from './schema';

/** Marks a request that no person's action caused: it is checked, but keeps no session alive. */
export const passive = { 'Curfew-Passive': 'true' };

/** The API, typed by its OpenAPI document. Every request of the application leaves from here. */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: send });

let heardOfEnd: (seconds: number) => void = () => {};

/** Has the listener told how many seconds the session has left, whenever an answer says so. */
export function onExpiresIn(listener: typeof heardOfEnd) {
  heardOfEnd = listener;
}

let sessionOver: (problem: Problem) => void = () => {};

/** Calls the listener with every refusal that ends the session or restricts it. */
export function onSessionOver(listener: typeof sessionOver) {
  sessionOver = listener;
}

type Call<T extends Record<string | number, unknown>, O, M extends `${string}/${string}`> = Promise<
  FetchResponse<T, O, M>
>;

/**
 * Returns the body of a good answer, and throws a problem for any other. It is for those who handle
 * the end of the session themselves, as load functions do.
 */
export async function answer<
  T extends Record<string | number, unknown>,
  O,
  M extends `${string}/${string}`,
>(call: Call<T, O, M>) {
  const { data, error, response } = await call;
  if (!response.ok) throw problemOf(response, error);
  return data as NonNullable<typeof data>;
}

/**
 * Returns the body of a good answer. If the session is over, it calls the listener and throws
 * `SessionOver`.
 */
export async function body<
  T extends Record<string | number, unknown>,
  O,
  M extends `${string}/${string}`,
>(call: Call<T, O, M>) {
  return answer(call).catch((error: unknown) => {
    const over = error instanceof Problem && (endsSession(error) || isRestricted(error));
    if (!over) throw error;
    sessionOver(error);
    throw new SessionOver();
  });
}

async function send(request: Request): Promise<Response> {
  const again = request.clone();
  const response = await reach(request);
  if (!(await isExpired(response))) return response;

  const refreshed = await refresh(request.headers.has('Curfew-Passive'));
  // Why it could not be refreshed is the answer: the session ended, or there is an outage.
  return refreshed.ok ? reach(again) : refreshed.clone();
}

async function isExpired(response: Response): Promise<boolean> {
  if (response.status !== 401) return false;
  const problem: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  return (problem as { code?: unknown } | null)?.code === 'token_expired';
}

let refreshing: Promise<Response> | null = null;

/**
 * One refresh at a time: for all requests of this tab, and across tabs where the browser has locks.
 */
function refresh(isPassive: boolean): Promise<Response> {
  refreshing ??= alone(() =>
    reach(
      new Request(new URL('/api/sessions/refresh', location.origin), {
        method: 'POST',
        headers: isPassive ? passive : {},
      }),
    ),
  ).finally(() => (refreshing = null));
  return refreshing;
}

function alone<T>(task: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request('curfew-refresh', task) : task();
}

async function reach(request: Request): Promise<Response> {
  let response: Response;
  const sent = Date.now();
  try {
    response = await fetch(request);
  } catch (cause) {
    throw new Unreachable('no answer', { cause });
  }
  learnTime(response.headers.get('Date'), sent, Date.now());
  const left = response.headers.get('Curfew-Session-Expires-In');
  if (left !== null) heardOfEnd(Number(left));
  return response;
}

function problemOf(response: Response, document: unknown): Problem {
  const retryAfter = Number(response.headers.get('Retry-After') ?? NaN);
  return new Problem(
    isProblem(document)
      ? document
      : {
          type: 'about:blank',
          title: 'The answer could not be read',
          detail: 'Something between this page and Curfew answered in its place.',
          code: 'unreadable',
          requestId: '',
          status: response.status,
        },
    Number.isFinite(retryAfter) ? retryAfter : null,
  );
}

function isProblem(document: unknown): document is Problem['document'] {
  return typeof document === 'object' && document !== null && 'code' in document;
}
