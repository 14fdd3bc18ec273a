/** Returns the address with other values in its query. Empty values are left out. */
export function withQuery(from: URL, changes: [name: string, value: string][]): URL {
  const url = new URL(from);
  for (const [name, value] of changes) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  return url;
}
