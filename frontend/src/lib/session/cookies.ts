const PROBE = '__Host-curfew_probe';

/**
 * Whether this browser keeps a cookie like that of a session, found out by setting one for a moment. Safari drops what is `Secure` over
 * plain http, on localhost too, and says nothing (WebKit bug 281149); settings and extensions drop what they like.
 */
export function keepsCookies(): boolean {
  const set = (seconds: number) =>
    (document.cookie = `${PROBE}=1; Path=/; Secure; SameSite=Lax; Max-Age=${seconds}`);
  set(10);
  const kept = document.cookie.includes(`${PROBE}=`);
  set(0);
  return kept;
}
