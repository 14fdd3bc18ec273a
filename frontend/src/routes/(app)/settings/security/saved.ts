import type { SecuritySettings } from '$lib/api/settings';
import { serverTime } from '$lib/text/clock';
import { clock } from '$lib/text/ended';

/** Who saved the configuration outside this page, and when. */
export function savedWords(
  { updatedBy, updatedAt }: SecuritySettings,
  memberId: string,
  now = new Date(serverTime()),
): string {
  const who =
    updatedBy?.id === memberId
      ? 'You saved a change elsewhere'
      : `${updatedBy?.name ?? 'Somebody'} saved a change`;
  return `${who} ${clock(new Date(updatedAt), now)}`;
}
