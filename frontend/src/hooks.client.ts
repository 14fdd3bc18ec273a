import { explain } from '$lib/api/problem';
import { readTables } from '$lib/text/formats';
import type { ClientInit, HandleClientError } from '@sveltejs/kit';

/** While the page waits for the server's first answers. */
export const init: ClientInit = readTables;

/** An outage or a refusal in a `load` becomes an error page that says what it is. */
export const handleError: HandleClientError = ({ error, status }) => {
  if (status === 404) {
    return {
      message: 'Page not found',
      detail: 'Check the address, or go to your home page.',
      retry: false,
    };
  }
  const { title, detail, retry } = explain(error);
  return { message: title, detail, retry };
};
