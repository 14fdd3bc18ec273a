import { api, body } from './client';
import type { components } from './schema';

export type SetupRequest = components['schemas']['SetupRequest'];

export const getSetup = () => body(api.GET('/api/setup'));

/** Creates the organization and its first owner. It does not sign in. */
export const setUp = (request: SetupRequest) => body(api.POST('/api/setup', { body: request }));
