import '../../../test/fake-server';
import { expect, it, vi } from 'vitest';
import { Problem, SessionOver } from '../api/problem';
import { Action } from '../ui/action.svelte';
import { StepUp } from './step-up.svelte';

const refusal = (code: string) =>
  new Problem({ type: '', title: '', detail: code, requestId: '', status: 403, code });
const refuse = (error: Error) => () => Promise.reject(error);

it('keeps the error until the next task', async () => {
  const failed = vi.fn();
  const action = new Action(failed);
  const error = refusal('forbidden');
  await action.run(refuse(error));
  expect([action.error, action.problem, action.busy]).toEqual([error, error, false]);
  expect(failed).toHaveBeenCalledExactlyOnceWith(error);
  await action.run(async () => {});
  expect(action.error).toBeNull();
});

it('says nothing of the end of the session', async () => {
  const action = new Action();
  await action.run(refuse(new SessionOver()));
  expect([action.error, action.busy]).toEqual([null, false]);
});

it('runs one task at a time', async () => {
  const action = new Action();
  const task = vi.fn(async () => {});
  const first = action.run(task);
  expect(action.busy).toBe(true);
  await action.run(task);
  await first;
  expect(task).toHaveBeenCalledTimes(1);
});

it('asks for a proof, and runs the task again after it', async () => {
  const stepUp = new StepUp();
  const task = vi.fn(async () => {}).mockRejectedValueOnce(refusal('reauthentication_required'));
  await stepUp.run(task);
  expect([stepUp.asking, stepUp.error]).toEqual([true, null]);
  await stepUp.retry();
  expect(stepUp.asking).toBe(false);
  expect(task).toHaveBeenCalledTimes(2);
  await stepUp.run(refuse(refusal('forbidden')));
  expect([stepUp.asking, stepUp.problem?.code]).toEqual([false, 'forbidden']);
});
