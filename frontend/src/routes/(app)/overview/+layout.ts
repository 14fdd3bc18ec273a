import { load as loadSettings } from '../settings/+layout';

/** The overview is for those who see settings. */
export const load = loadSettings;
