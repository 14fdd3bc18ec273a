import { vi } from 'vitest';
import type { components } from '../src/lib/api/schema';

vi.stubGlobal('location', new URL('http://curfew.test'));
vi.stubGlobal('navigator', { onLine: true });

type Answer = Response | Error | Promise<Response>;

/**
 * Answers the coming requests in turn. An error is a lost connection. Returns the requests.
 */
export function answerInTurn(...answers: Answer[]): Request[] {
  const requests: Request[] = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    requests.push(request);
    const answer = await answers.shift();
    if (!answer) throw new Error(`nobody expected ${request.method} ${request.url}`);
    if (answer instanceof Error) throw answer;
    return answer;
  });
  return requests;
}

export const ok = (body: unknown) => Response.json(body);

export function problem(
  status: number,
  code: string,
  more: Partial<components['schemas']['Problem']> = {},
  headers: Record<string, string> = {},
) {
  const document = { type: '', title: '', detail: code, requestId: 'r1', status, code, ...more };
  return Response.json(document, { status, headers });
}

export const lost = () => new TypeError('Failed to fetch');
