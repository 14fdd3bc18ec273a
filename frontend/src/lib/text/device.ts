import type { Session } from '$lib/api/session';

/** What a session was opened with, in words. */
export function deviceName({ browser, os, device }: Session['client']): string {
  if (browser && os) return `${browser} on ${os}`;
  if (device === 'program' || device === 'bot') {
    return browser ? `A program (${browser})` : 'A program';
  }
  return browser || os || 'An unknown browser';
}
