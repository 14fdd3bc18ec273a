import { redirect } from '@sveltejs/kit';
import { endsSession, isRestricted } from '../api/problem';
import { secondFactorPath, signInPath } from './return-to';

/** Reads what a page needs, or leads to where a session without access goes. */
export async function orRedirect<T>(reading: Promise<T>, url: URL): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (isRestricted(error)) redirect(307, secondFactorPath(url));
    if (!endsSession(error)) throw error;
    redirect(307, signInPath(url));
  }
}
