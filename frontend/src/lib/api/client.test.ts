import { afterEach, describe, expect, it } from 'vitest';
import { answerInTurn, lost, ok, problem } from '../../../test/fake-server';
import { onSessionOver, passive } from './client';
import { explain, Problem, SessionOver, Unreachable } from './problem';
import { getSession, getSessionSummary, loadSession } from './session';
import { putSecuritySettings } from './settings';

const summary = { sessions: 31, members: 12 };
const policy = {
  sessionLength: { value: 12, unit: 'hours' as const },
  refreshAutomatically: true,
  maximumLifetime: null,
};

const paths = (requests: Request[]) =>
  requests.map((request) => `${request.method} ${new URL(request.url).pathname}`);

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('it was expected to fail');
    },
    (error: unknown) => error,
  );

/** What the listener heard. */
let heard: Problem[] = [];
onSessionOver((problem) => heard.push(problem));
afterEach(() => (heard = []));

describe('an expired access token', () => {
  it('is refreshed once and the request repeated, body and headers included', async () => {
    const requests = answerInTurn(problem(401, 'token_expired'), ok({}), ok({ version: 4 }));

    await expect(putSecuritySettings(policy, 3)).resolves.toEqual({ version: 4 });

    expect(paths(requests)).toEqual([
      'PUT /api/settings/security',
      'POST /api/sessions/refresh',
      'PUT /api/settings/security',
    ]);
    expect(requests[2]?.headers.get('If-Match')).toBe('"3"');
    expect(await requests[2]?.json()).toEqual(policy);
  });

  it('is refreshed once for all requests of the tab', async () => {
    let refreshed: (answer: Response) => void = () => {};
    const requests = answerInTurn(
      problem(401, 'token_expired'),
      problem(401, 'token_expired'),
      new Promise<Response>((resolve) => (refreshed = resolve)),
      ok(summary),
      ok(summary),
    );
    const both = Promise.all([getSessionSummary(), getSessionSummary()]);
    await expect.poll(() => requests.length).toBe(3);
    refreshed(ok({}));

    expect(await both).toEqual([summary, summary]);
    expect(paths(requests).filter((path) => path.endsWith('/refresh'))).toHaveLength(1);
  });

  it('is not refreshed a second time for the same request', async () => {
    const requests = answerInTurn(
      problem(401, 'token_expired'),
      ok({}),
      problem(401, 'token_expired'),
    );

    expect(await caught(loadSession())).toMatchObject({ code: 'token_expired' });
    expect(requests).toHaveLength(3);
  });

  it('can be refreshed again after a refresh that failed', async () => {
    answerInTurn(problem(401, 'token_expired'), lost());
    expect(await caught(getSession())).toBeInstanceOf(Unreachable);

    answerInTurn(problem(401, 'token_expired'), ok({}), ok(summary));
    expect(await getSessionSummary()).toEqual(summary);
  });

  it('tells how the session ended when the refresh says so', async () => {
    const ended = { reason: 'revoked_all' as const, at: '2026-01-02T14:02:00Z', by: 'Ana' };
    answerInTurn(problem(401, 'token_expired'), problem(401, 'session_revoked', { ended }));

    expect(await caught(getSession())).toBeInstanceOf(SessionOver);
    expect(heard.map(({ document }) => document.ended)).toEqual([ended]);
  });
});

describe('a background request', () => {
  it('is passive, and so is the refresh that serves it', async () => {
    const requests = answerInTurn(problem(401, 'token_expired'), ok({}), ok(summary));

    await getSessionSummary(passive);

    expect(requests.map(({ headers }) => headers.get('Curfew-Passive'))).toEqual(
      Array(3).fill('true'),
    );
  });

  it('is told from what a person asks for', async () => {
    const requests = answerInTurn(problem(401, 'token_expired'), ok({}), ok(summary));

    await getSessionSummary();

    expect(requests.map(({ headers }) => headers.get('Curfew-Passive'))).toEqual(
      Array(3).fill(null),
    );
  });
});

describe('only a verdict about the session ends it, and the listener hears it', () => {
  it.each(['no_session', 'token_invalid', 'session_expired', 'session_revoked'])(
    '%s does, without a refresh',
    async (code) => {
      const requests = answerInTurn(problem(401, code));
      expect(await caught(getSession())).toBeInstanceOf(SessionOver);
      expect(heard.map((problem) => problem.code)).toEqual([code]);
      expect(requests).toHaveLength(1);
    },
  );

  it('a second factor that is missing is heard, too', async () => {
    answerInTurn(problem(403, 'session_restricted'));
    expect(await caught(getSession())).toBeInstanceOf(SessionOver);
    expect(heard).toHaveLength(1);
  });

  it('a load function handles it by itself', async () => {
    answerInTurn(problem(401, 'session_revoked'));
    expect(await caught(loadSession())).toBeInstanceOf(Problem);
    expect(heard).toEqual([]);
  });

  it.each([
    ['a lost connection', lost()],
    ['trouble with storage', problem(503, 'storage_unavailable')],
    ['a fault of the server', problem(500, 'internal')],
    ['a proxy that answers in its place', new Response('<h1>Bad gateway</h1>', { status: 502 })],
    ['a wrong password', problem(401, 'bad_credentials')],
    ['a refusal', problem(403, 'forbidden')],
  ])('%s does not', async (_, answer) => {
    answerInTurn(answer);
    expect(await caught(getSession())).not.toBeInstanceOf(SessionOver);
    expect(heard).toEqual([]);
  });

  it.each([
    ['a lost connection', lost()],
    ['trouble with storage', problem(503, 'storage_unavailable')],
  ])('%s during the refresh does not either', async (_, answer) => {
    answerInTurn(problem(401, 'token_expired'), answer);
    expect(await caught(getSession())).not.toBeInstanceOf(SessionOver);
    expect(heard).toEqual([]);
  });
});

describe('an explanation', () => {
  it('says when to try again', async () => {
    answerInTurn(problem(429, 'too_many_attempts', {}, { 'Retry-After': '30' }));
    expect(explain(await caught(getSession())).detail).toBe('Try again in 30 seconds.');
  });

  it('of an outage offers a retry and says that nobody is signed out', async () => {
    answerInTurn(problem(503, 'storage_unavailable', {}, { 'Retry-After': '120' }));
    const explanation = explain(await caught(getSession()));
    expect(explanation.retry).toBe(true);
    expect(explanation.detail).toContain('does not sign you out');
    expect(explanation.detail).toContain('in 2 minutes');
  });
});
