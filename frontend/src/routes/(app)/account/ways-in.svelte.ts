import { getSecondFactor, type SecondFactor } from '$lib/api/account';
import { listPasskeys, type Passkey } from '$lib/api/passkeys';
import { Action } from '$lib/ui/action.svelte';

/** How the member signs in: the second factor and the passkeys next to the password. */
export class WaysIn {
  factor = $state.raw<SecondFactor | null>(null);
  passkeys = $state.raw<Passkey[]>([]);
  readonly reading = new Action();

  read = () =>
    this.reading.run(async () => {
      const [factor, { items }] = await Promise.all([getSecondFactor(), listPasskeys()]);
      [this.factor, this.passkeys] = [factor, items];
    });
}
