import type { Session } from '../api/session';
import { formatMoment } from './formats';

type Told = Pick<Session, 'client' | 'authenticatedAt' | 'lastSeenAt'>;

/** Names a session among others of the same member and device. */
export function whichSession({ client, authenticatedAt, lastSeenAt }: Told): string {
  const [signedIn, lastSeen] = [authenticatedAt, lastSeenAt].map((at) =>
    formatMoment(new Date(at)),
  );
  return `${client.address}, signed in ${signedIn}, last seen ${lastSeen}`;
}

/**
 * Returns a name for each item of a list that no other has. A name that several have gets `more`
 * added and, if that is not enough, a number.
 */
export function namesOf<T>(
  list: T[],
  nameOf: (item: T) => string,
  more?: (item: T) => string,
): Map<T, string> {
  const seen = new Map<string, number>();
  const count = (name: string) => {
    const n = (seen.get(name) ?? 0) + 1;
    seen.set(name, n);
    return n;
  };
  const plain = list.map(nameOf);
  plain.forEach(count);
  const told = list.map((item, i) => {
    const name = plain[i] ?? '';
    return more && (seen.get(name) ?? 0) > 1 ? `${name}, ${more(item)}` : name;
  });
  seen.clear();
  return new Map(
    told.map((name, i) => {
      const n = count(name);
      return [list[i] as T, n > 1 ? `${name}, no. ${n}` : name];
    }),
  );
}
