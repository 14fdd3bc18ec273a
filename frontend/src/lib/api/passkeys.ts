import { api, body } from './client';
import { Problem } from './problem';
import type { components } from './schema';

export type Passkey = components['schemas']['Passkey'];

/**
 * Whether the browser has passkeys for this site: they are bound to a host name, not to an IP
 * address.
 */
export const canUsePasskeys =
  'PublicKeyCredential' in window &&
  'parseRequestOptionsFromJSON' in PublicKeyCredential &&
  !/^[\d.]+$|:/.test(location.hostname);

export const listPasskeys = () => body(api.GET('/api/account/passkeys'));

export const removePasskey = (id: string) =>
  body(api.DELETE('/api/account/passkeys/{id}', { params: { path: { id } } }));

/** Has the browser make a passkey, and registers it. Returns null if the person declined. */
export async function registerPasskey(name: string): Promise<Passkey | null> {
  const { ceremony, options } = await body(api.POST('/api/account/passkey-challenge'));
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as unknown as PublicKeyCredentialCreationOptionsJSON,
  );
  const credential = await unlessDeclined(() => navigator.credentials.create({ publicKey }));
  return (
    credential && body(api.POST('/api/account/passkeys', { body: { ceremony, credential, name } }))
  );
}

/** Signs in by a passkey. Returns null if the person declined. */
export async function signInByPasskey() {
  const answer = await ask();
  return answer && sendPasskey(answer);
}

/** Begins a session with what {@link suggestPasskeys} got. */
export const sendPasskey = (answer: components['schemas']['PasskeySignInRequest']) =>
  body(api.POST('/api/sessions/passkey', { body: answer }));

/** A challenge is good for 5 minutes. */
const CHALLENGED = 4 * 60_000;

/**
 * Offers passkeys in the suggestions of a field with `autocomplete="… webauthn"`, until one is
 * chosen or the signal aborts. The browser asks for one passkey at a time, so the signal has to
 * abort before another way asks. Returns null for none, and after an error.
 */
export async function suggestPasskeys(signal: AbortSignal) {
  if (!canUsePasskeys || !(await PublicKeyCredential.isConditionalMediationAvailable()))
    return null;
  while (!signal.aborted) {
    const round = AbortSignal.any([signal, AbortSignal.timeout(CHALLENGED)]);
    const answer = await ask({ mediation: 'conditional', signal: round }).catch(() => null);
    if (answer && !signal.aborted) return answer;
    if (!round.aborted) return null;
  }
  return null;
}

/** Proves one's identity again. Returns null if the person declined. */
export async function proveByPasskey() {
  const answer = await ask();
  return answer && body(api.POST('/api/session/reauthenticate/passkey', { body: answer }));
}

async function ask(how: Pick<CredentialRequestOptions, 'mediation' | 'signal'> = {}) {
  const { ceremony, options } = await body(api.POST('/api/passkeys/challenge'));
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as unknown as PublicKeyCredentialRequestOptionsJSON,
  );
  const credential = await unlessDeclined(() => navigator.credentials.get({ publicKey, ...how }));
  return credential && { ceremony, credential };
}

type Answer = Record<string, unknown>;

/**
 * Returns the browser's answer as JSON. The browser does not say why there is none, so that no site
 * learns which passkeys exist.
 */
async function unlessDeclined(asking: () => Promise<Credential | null>): Promise<Answer | null> {
  try {
    const credential = (await asking()) as PublicKeyCredential | null;
    return credential && { ...credential.toJSON() };
  } catch (error) {
    if (error instanceof DOMException && error.name === 'InvalidStateError') {
      throw new Problem({
        type: '/api/docs#passkey_known',
        title: 'Conflict',
        status: 409,
        detail: 'This device holds a passkey of yours already.',
        code: 'passkey_known',
        requestId: '',
      });
    }
    if (error instanceof DOMException) return null;
    throw error;
  }
}
