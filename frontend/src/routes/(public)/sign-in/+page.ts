import { getSetup } from '$lib/api/setup';

export function load({ url }) {
  return {
    next: url.searchParams.get('next'),
    // Not awaited: nobody should wait for it to type a password.
    setupRequired: getSetup().then(
      ({ required }) => required,
      () => false,
    ),
  };
}
