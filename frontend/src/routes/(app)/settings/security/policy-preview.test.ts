import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerInTurn, lost, ok } from '../../../../../test/fake-server';
import { Unreachable } from '$lib/api/problem';
import type { Effect, Policy } from '$lib/api/settings';
import { PolicyPreview } from './policy-preview.svelte';

const days = (value: number): Policy => ({
  sessionLength: { value, unit: 'days' },
  refreshAutomatically: true,
  maximumLifetime: null,
});
const effect = (sessions: number): Effect => ({
  live: { sessions: 9, members: 3 },
  atOnce: { sessions, members: 1 },
  withinHour: { sessions, members: 1 },
  withinDay: { sessions, members: 1 },
  named: [],
  yours: false,
  loosens: false,
  remaining: [],
  guidelines: [],
});

let preview: PolicyPreview;

beforeEach(() => {
  vi.useFakeTimers();
  preview = new PolicyPreview();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('asking', () => {
  it('is at once the first time', async () => {
    const requests = answerInTurn(ok(effect(0)));
    preview.consider(days(14));
    await vi.advanceTimersByTimeAsync(0);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.headers.has('Curfew-Passive')).toBe(false);
    expect(await requests[0]?.json()).toEqual(days(14));
  });

  it('waits until the typing rests, and asks about the last draft only', async () => {
    const requests = answerInTurn(ok(effect(0)), ok(effect(4)));
    preview.consider(days(14));
    await vi.advanceTimersByTimeAsync(0);

    preview.consider(days(1));
    await vi.advanceTimersByTimeAsync(249);
    preview.consider(days(12));
    await vi.advanceTimersByTimeAsync(249);
    expect(requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(requests).toHaveLength(2);
    expect(await requests[1]?.json()).toEqual(days(12));
  });

  it('is not about a draft that is none', async () => {
    const requests = answerInTurn(ok(effect(0)));
    await preview.ask(days(14));
    preview.consider(days(1));
    preview.consider(null);
    await vi.advanceTimersByTimeAsync(1000);
    expect(requests).toHaveLength(1);
    expect(preview.loading).toBe(false);
  });

  it('goes on the first time, whatever is typed meanwhile', async () => {
    const requests = answerInTurn(ok(effect(0)));
    preview.consider(days(14));
    preview.consider(null);
    await vi.advanceTimersByTimeAsync(0);
    expect(requests).toHaveLength(1);
    expect(preview.of(days(14))).not.toBeNull();
  });

  it('again is no access, and is not asked twice', async () => {
    const requests = answerInTurn(ok(effect(0)), ok(effect(4)));
    await preview.ask(days(14));
    const again = preview.again(days(1));
    preview.consider(days(1));
    await vi.advanceTimersByTimeAsync(1000);
    await again;
    expect(requests).toHaveLength(2);
    expect(requests[1]?.headers.get('Curfew-Passive')).toBe('true');
    expect(preview.of(days(1))?.atOnce.sessions).toBe(4);

    await preview.again(null);
    expect(requests).toHaveLength(2);
  });

  it('ends with the page', async () => {
    const requests = answerInTurn();
    preview.consider(days(1));
    preview.stop();
    await vi.advanceTimersByTimeAsync(1000);
    expect(requests).toHaveLength(0);
  });
});

describe('the answer', () => {
  it('is about its own policy only', async () => {
    answerInTurn(ok(effect(4)));
    await preview.ask(days(1));
    expect(preview.of(days(1))?.atOnce.sessions).toBe(4);
    expect(preview.of(days(2))).toBeNull();
    expect(preview.of(null)).toBeNull();
  });

  it('stays while the next one is under way', async () => {
    answerInTurn(ok(effect(4)), new Promise<Response>(() => {}));
    await preview.ask(days(1));
    void preview.ask(days(2));
    expect(preview.loading).toBe(true);
    expect(preview.effect?.atOnce.sessions).toBe(4);
  });

  it('never takes the place of a newer one', async () => {
    let late: (response: Response) => void = () => {};
    answerInTurn(new Promise<Response>((resolve) => (late = resolve)), ok(effect(2)));
    const first = preview.ask(days(1));
    await preview.ask(days(2));
    late(ok(effect(1)));
    expect(await first).toBeNull();
    expect(preview.effect?.atOnce.sessions).toBe(2);
    expect(preview.of(days(1))).toBeNull();
    expect(preview.loading).toBe(false);
  });

  it('that fails late does not either', async () => {
    let fail: (error: Response | PromiseLike<Response>) => void = () => {};
    answerInTurn(new Promise<Response>((resolve) => (fail = resolve)), ok(effect(2)));
    const first = preview.ask(days(1));
    await preview.ask(days(2));
    fail(Promise.reject(lost()));
    await first;
    expect(preview.error).toBeNull();
  });

  it('that does not come leaves the old one, and says so', async () => {
    answerInTurn(ok(effect(4)), lost(), ok(effect(5)));
    await preview.ask(days(1));
    expect(await preview.ask(days(2))).toBeNull();
    expect(preview.error).toBeInstanceOf(Unreachable);
    expect(preview.effect?.atOnce.sessions).toBe(4);
    expect(preview.of(days(2))).toBeNull();
    expect(preview.loading).toBe(false);

    await preview.ask(days(3));
    expect(preview.error).toBeNull();
  });
});
