import type { SecuritySettings } from '$lib/api/settings';
import { serverTime } from '$lib/text/clock';
import { formatWhen } from '$lib/text/formats';

/** Who saved the configuration outside this page, and when. */
export function savedWords(
  { updatedBy, updatedAt }: SecuritySettings,
  memberId: string,
  now = new Date(serverTime()),
): string {
  const who =
    updatedBy?.id === memberId
      ? 'You saved a change elsewhere'
      : `${updatedBy?.name ?? 'Another admin'} saved a change`;
  return `${who} ${formatWhen(new Date(updatedAt), now)}`;
}
