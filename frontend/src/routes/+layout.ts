// One shell for every page: the server only hands out files, and the API does the rest.
export const ssr = false;
export const prerender = false;
