const PROBE = '__Host-curfew_probe';

/**
 * Reports whether this browser keeps a cookie like that of a session, by setting one for a moment.
 * Over plain http, on localhost too, Safari drops `Secure` cookies silently (WebKit bug 281149).
 * Settings and extensions may drop any.
 */
export function keepsCookies(): boolean {
  const set = (seconds: number) =>
    (document.cookie = `${PROBE}=1; Path=/; Secure; SameSite=Lax; Max-Age=${seconds}`);
  set(10);
  const kept = document.cookie.includes(`${PROBE}=`);
  set(0);
  return kept;
}
