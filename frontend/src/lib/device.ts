import type { Session } from '$lib/api/session';

/** What a session was opened with, in words. */
export function deviceName({ browser, os, device }: Session['client']): string {
  if (browser && os) return `${browser} on ${os}`;
  if (device === 'program' || device === 'bot') {
    return browser ? `A program (${browser})` : 'A program';
  }
  return browser || os || 'An unknown browser';
}

const BROWSERS: [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\bHeadlessChrome\//, 'Headless Chrome'],
  [/\b(?:Chrome|CriOS)\//, 'Chrome'],
  [/\bVersion\/.*Safari\//, 'Safari'],
];

const SYSTEMS: [RegExp, string][] = [
  [/\bWindows\b/, 'Windows'],
  [/\b(?:iPhone|iPad|iPod)\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

/**
 * What a client says of itself, in words. The audit log keeps just what was said; where the server has
 * read the words out of it already, see {@link deviceName}.
 */
export function agentName(userAgent: string): string | null {
  const named = (names: [RegExp, string][]) =>
    names.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = named(BROWSERS);
  const os = named(SYSTEMS);
  if (browser) return os ? `${browser} on ${os}` : browser;
  const program = /^([\w.-]{1,30})\//.exec(userAgent)?.[1];
  return program && program !== 'Mozilla' ? program : null;
}
