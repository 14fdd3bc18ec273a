import { getSetup } from '$lib/api/setup';
import { wayBack } from '$lib/way-back';

export function load({ url }) {
  return {
    next: wayBack(url.searchParams.get('next')),
    // Not awaited: nobody should wait for it to type a password.
    setupRequired: getSetup().then(
      ({ required }) => required,
      () => false,
    ),
  };
}
