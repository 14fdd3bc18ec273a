import { answer, api, body, passive } from './client';
import type { components } from './schema';

export type Overview = components['schemas']['Overview'];
export type DayCount = components['schemas']['DayCount'];
export type Hint = components['schemas']['Hint'];
export type SetUpStep = components['schemas']['SetUpStep'];
export type HintKind = components['schemas']['DismissHintRequest']['kind'];

const since = () => new Date(new Date().setHours(0, 0, 0, 0)).toISOString();

/** For load functions. What is new today began since midnight, by the clock of the reader. */
export const loadOverview = () =>
  answer(api.GET('/api/overview', { params: { query: { since: since() } } }));

/** The same in the background. */
export const watchOverview = () =>
  body(api.GET('/api/overview', { params: { query: { since: since() } }, headers: passive }));

/** Hides a hint for 30 days, from everyone. */
export const dismissHint = (kind: HintKind) =>
  body(api.POST('/api/overview/dismiss', { body: { kind } }));
