import { beforeEach, describe, expect, it } from 'vitest';
import { answerInTurn, lost, ok, problem } from '../../../../../test/fake-server';
import { Problem, Unreachable } from '$lib/api/problem';
import type { SecuritySettings } from '$lib/api/settings';
import { PolicyForm } from './policy-form.svelte';

const loaded: SecuritySettings = {
  sessionLength: { value: 14, unit: 'days' },
  refreshAutomatically: true,
  maximumLifetime: { value: 30, unit: 'days' },
  version: 3,
  updatedAt: '2026-01-02T14:02:00Z',
  applies: null,
  updatedBy: null,
};
const theirs: SecuritySettings = {
  ...loaded,
  sessionLength: { value: 8, unit: 'hours' },
  version: 4,
  updatedBy: { id: 'b', name: 'Ben' },
};
const mine = {
  value: '12',
  unit: 'hours',
  refreshAutomatically: true,
  limited: true,
  maximum: { value: '30', unit: 'days' },
};

let form: PolicyForm;

beforeEach(() => {
  form = new PolicyForm(loaded);
  form.draft.value = '12';
  form.draft.unit = 'hours';
  form.edited();
});

it('knows whether there is anything to save', () => {
  expect(new PolicyForm(loaded).changed).toBe(false);
  expect(form.changed).toBe(true);
  form.discard();
  expect(form.changed).toBe(false);
  expect(form.draft.value).toBe('14');
});

it('sends nothing where nothing is changed, and says so until something is', async () => {
  const requests = answerInTurn();
  form.discard();
  await form.save();
  expect(requests).toHaveLength(0);
  expect(form.status).toBe('unchanged');
  form.draft.value = '13';
  form.edited();
  expect(form.status).toBe('editing');
});

it('says when the length is longer than the maximum lifetime, as the server does, and sends nothing', async () => {
  const requests = answerInTurn();
  form.draft.value = '31';
  form.draft.unit = 'days';
  form.edited();
  expect(form.policy).toBeNull();
  expect(form.lengthError).toBeUndefined(); // it is still being typed
  await form.save();
  expect(form.lengthError).toBe('Enter at most 30 days, the maximum lifetime, or raise that.');
  expect(requests).toHaveLength(0);
  form.draft.maximum.value = '31';
  form.edited();
  expect(form.lengthError).toBeUndefined();
  expect(form.policy?.maximumLifetime).toEqual({ value: 31, unit: 'days' });
});

it('shows a stored length that is longer than its maximum, which is no change', () => {
  const stored = new PolicyForm({ ...loaded, maximumLifetime: { value: 1, unit: 'hours' } });
  expect(stored.changed).toBe(false);
  expect(stored.lengthError).toBeUndefined();
});

it('sends the version that was read, and the maximum lifetime that was not touched', async () => {
  const requests = answerInTurn(ok(theirs));

  await form.save();

  expect(requests[0]?.headers.get('If-Match')).toBe('"3"');
  expect(await requests[0]?.json()).toEqual({
    sessionLength: { value: 12, unit: 'hours' },
    refreshAutomatically: true,
    maximumLifetime: { value: 30, unit: 'days' },
  });
});

it("shows the server's answer once it is saved", async () => {
  answerInTurn(ok(theirs));

  await form.save();

  expect(form.status).toBe('saved');
  expect(form.settings).toEqual(theirs);
  expect(form.draft.value).toBe('8');
  expect(form.changed).toBe(false);
});

it('keeps what was edited while it was being saved', async () => {
  let answer: (response: Response) => void = () => {};
  answerInTurn(new Promise<Response>((resolve) => (answer = resolve)));
  const saving = form.save();
  form.draft.value = '5';
  form.edited();
  answer(ok(theirs));
  await saving;

  expect(form.status).toBe('editing');
  expect(form.draft.value).toBe('5');
  expect(form.settings.version).toBe(4);
});

it('is not sent twice at once', async () => {
  const requests = answerInTurn(ok(theirs));
  await Promise.all([form.save(), form.save()]);
  expect(requests).toHaveLength(1);
});

it('does not send a length that is not one', async () => {
  const requests = answerInTurn();
  form.draft.value = '8761';
  expect(form.lengthError).toBeUndefined();

  await form.save();

  expect(requests).toHaveLength(0);
  expect(form.lengthError).toBe('Enter a whole number from 1 to 8,760 hours.');
});

it('loses nothing of what was typed, and sends no part of it', async () => {
  const requests = answerInTurn();
  form.draft.value = '1,5';
  form.draft.maximum.value = '12 hours';

  await form.save();
  form.draft.limited = false;
  form.draft.limited = true;

  expect(requests).toHaveLength(0);
  expect(form.lengthError).toBe('Enter a whole number from 1 to 8,760 hours.');
  expect(form.maximumError).toBe('Enter a whole number from 1 to 365 days.');
  expect([form.draft.value, form.draft.maximum.value]).toEqual(['1,5', '12 hours']);
});

describe('the maximum lifetime', () => {
  it('is sent as it was entered', async () => {
    const requests = answerInTurn(ok(theirs));
    form.draft.maximum.value = '8';
    await form.save();
    expect(await requests[0]?.json()).toMatchObject({
      maximumLifetime: { value: 8, unit: 'days' },
    });
  });

  it('is none without its tick, whatever was typed', async () => {
    form.draft.maximum.value = '';
    form.draft.limited = false;
    expect(form.changed).toBe(true);
    const requests = answerInTurn(ok(theirs));
    await form.save();
    expect(await requests[0]?.json()).toMatchObject({ maximumLifetime: null });
  });

  it('is judged like the length, at its own field', async () => {
    const requests = answerInTurn();
    form.draft.maximum.value = '366';
    await form.save();
    expect(requests).toHaveLength(0);
    expect(form.maximumError).toBe('Enter a whole number from 1 to 365 days.');
    expect(form.lengthError).toBeUndefined();
  });

  it("shows the server's word at its field", async () => {
    const errors = [{ field: 'maximumLifetime.value', code: 'max', message: 'Too much.' }];
    answerInTurn(problem(422, 'invalid_input', { errors }));
    await form.save();
    expect(form.maximumError).toBe('Too much.');
    expect(form.lengthError).toBeUndefined();
  });

  it('starts from 30 days where there was none', () => {
    const fresh = new PolicyForm({ ...loaded, maximumLifetime: null });
    expect(fresh.draft.limited).toBe(false);
    fresh.draft.limited = true;
    expect(fresh.policy?.maximumLifetime).toEqual({ value: 30, unit: 'days' });
    expect(fresh.changed).toBe(true);
  });
});

it('is filled with a policy, which still has to be saved', () => {
  const requests = answerInTurn();
  form.showErrors = true;
  form.fill({
    sessionLength: { value: 15, unit: 'minutes' },
    refreshAutomatically: false,
    maximumLifetime: null,
  });
  expect(form.policy).toEqual({
    sessionLength: { value: 15, unit: 'minutes' },
    refreshAutomatically: false,
    maximumLifetime: null,
  });
  expect(form.changed).toBe(true);
  expect(form.showErrors).toBe(false);
  expect(requests).toHaveLength(0);
});

describe('the draft stays', () => {
  it('on 422, with the message at its field until that is edited', async () => {
    const errors = [{ field: 'sessionLength.value', code: 'max', message: 'Too long.' }];
    answerInTurn(problem(422, 'invalid_input', { errors }));

    await form.save();

    expect(form.lengthError).toBe('Too long.');
    expect(form.draft).toEqual(mine);
    form.edited();
    expect(form.lengthError).toBeUndefined();
  });

  it('when the connection is lost', async () => {
    answerInTurn(lost());
    await form.save();
    expect(form.error).toBeInstanceOf(Unreachable);
    expect(form.draft).toEqual(mine);
    expect(form.status).toBe('editing');
  });

  it('when the server has trouble', async () => {
    answerInTurn(problem(503, 'storage_unavailable'));
    await form.save();
    expect(form.error).toBeInstanceOf(Problem);
    expect(form.draft).toEqual(mine);
  });

  it('while a proof of identity is asked for, and is saved after it', async () => {
    const requests = answerInTurn(problem(403, 'reauthentication_required'), ok(theirs));
    await form.save();
    expect(form.proofRequired).toBe(true);
    expect(form.draft).toEqual(mine);

    await form.save();
    expect(form.proofRequired).toBe(false);
    expect(requests).toHaveLength(2);
  });
});

describe('when somebody saved meanwhile', () => {
  beforeEach(async () => {
    answerInTurn(problem(412, 'stale_version', { current: theirs }));
    await form.save();
  });

  it('shows theirs and changes nothing', () => {
    expect(form.theirs).toEqual(theirs);
    expect(form.settings).toEqual(loaded);
    expect(form.draft).toEqual(mine);
  });

  it('does not overwrite theirs by saving again', async () => {
    const requests = answerInTurn(problem(412, 'stale_version', { current: theirs }));
    await form.save();
    expect(requests[0]?.headers.get('If-Match')).toBe('"3"');
    expect(form.theirs).toEqual(theirs);
  });

  it('can use theirs', () => {
    form.useTheirs();
    expect(form.draft.value).toBe('8');
    expect(form.changed).toBe(false);
    expect(form.theirs).toBeNull();
  });

  it('can keep mine, to be saved over the new version', async () => {
    form.keepMine();
    expect(form.draft).toEqual(mine);
    expect(form.changed).toBe(true);

    const requests = answerInTurn(ok(theirs));
    await form.save();
    expect(requests[0]?.headers.get('If-Match')).toBe('"4"');
  });
});

describe("when somebody's save is heard of", () => {
  it('a form without changes takes it over, and says so until something is edited', () => {
    const fresh = new PolicyForm(loaded);
    fresh.receive(theirs);
    expect(fresh.draft.value).toBe('8');
    expect(fresh.changed).toBe(false);
    expect(fresh.updatedElsewhere).toEqual(theirs);
    fresh.edited();
    expect(fresh.updatedElsewhere).toBeNull();
  });

  it('a draft stays, and whose to keep is asked at once', () => {
    form.receive(theirs);
    expect(form.draft).toEqual(mine);
    expect(form.settings).toEqual(loaded);
    expect(form.theirs).toEqual(theirs);
    expect(form.updatedElsewhere).toBeNull();
  });

  it('so does one that is not complete', () => {
    form.draft.value = '';
    form.receive(theirs);
    expect(form.draft.value).toBe('');
    expect(form.theirs).toEqual(theirs);
  });

  it('a draft that says the same is no change any more', () => {
    form.draft.value = '8';
    form.receive(theirs);
    expect(form.changed).toBe(false);
    expect(form.theirs).toBeNull();
  });

  it('discarding the draft takes theirs', () => {
    form.receive(theirs);
    form.discard();
    expect(form.draft.value).toBe('8');
    expect(form.theirs).toBeNull();
    expect(form.changed).toBe(false);
  });

  it('the newest one counts, in whatever order they come', () => {
    const newest = { ...theirs, version: 5 };
    form.receive(newest);
    form.receive(theirs);
    form.receive(loaded);
    expect(form.theirs).toEqual(newest);
  });

  it('one that is older than what is shown is none', () => {
    const fresh = new PolicyForm(theirs);
    fresh.receive({ ...loaded, sessionLength: { value: 1, unit: 'days' } });
    expect(fresh.draft.value).toBe('8');
    expect(fresh.updatedElsewhere).toBeNull();
  });

  it('it is not news to the one who saves', async () => {
    let answer: (response: Response) => void = () => {};
    answerInTurn(new Promise<Response>((resolve) => (answer = resolve)));
    const saving = form.save();
    form.receive(theirs);
    expect(form.theirs).toBeNull();
    answer(ok(theirs));
    await saving;
    expect(form.status).toBe('saved');
    expect(form.theirs).toBeNull();
    expect(form.updatedElsewhere).toBeNull();
  });

  it('it is told after a save that got no answer', async () => {
    let answer: (response: Promise<never>) => void = () => {};
    answerInTurn(new Promise<Response>((resolve) => (answer = resolve)));
    const saving = form.save();
    form.receive(theirs);
    answer(Promise.reject(lost()));
    await saving;
    expect(form.theirs).toEqual(theirs);
    expect(form.draft).toEqual(mine);
  });
});

describe('when only the guidelines that apply were chosen elsewhere', () => {
  const chosen = { ...loaded, version: 4, applies: ['nist-aal2'] };

  it('no one is asked whose values to keep', () => {
    form.receive(chosen);
    expect(form.theirs).toBeNull();
    expect(form.updatedElsewhere).toBeNull();
    expect(form.draft).toEqual(mine);
    expect(form.settings.applies).toEqual(['nist-aal2']);
  });

  it('a save goes on over the new version', async () => {
    const requests = answerInTurn(
      problem(412, 'stale_version', { current: chosen }),
      ok({ ...chosen, sessionLength: { value: 12, unit: 'hours' }, version: 5 }),
    );
    await form.save();
    expect(requests.map((request) => request.headers.get('If-Match'))).toEqual(['"3"', '"4"']);
    expect(form.status).toBe('saved');
  });
});

it('goes on with a draft of before', () => {
  const other = new PolicyForm(loaded);
  other.resume({ ...form.draft });
  expect(other.draft).toEqual(mine);
  expect(other.changed).toBe(true);
});
