import { getSetup } from '$lib/api/setup';

export function load({ url }) {
  return {
    next: url.searchParams.get('next'),
    // Not awaited, so that the form is there at once.
    setupRequired: getSetup().then(
      ({ required }) => required,
      () => false,
    ),
  };
}
