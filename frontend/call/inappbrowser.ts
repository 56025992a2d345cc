// Browsers inside another app (a mail or social app's own view) often give a page no camera or microphone. No DOM.

const APPS: readonly (readonly [pattern: RegExp, app: string])[] = [
  [/\bFBA[NV]\b|\bFB_IAB\b/, "Facebook"],
  [/\bInstagram\b/, "Instagram"],
  [/\bLinkedInApp\b/, "LinkedIn"],
  [/\bTwitter\b/, "X"],
  [/\bMicroMessenger\b/, "WeChat"],
  [/\bLine\//, "LINE"],
  [/\bSnapchat\b/, "Snapchat"],
  [/\bTeams\//, "Teams"],
  [/\bGSA\//, "Google"],
];

export type InAppBrowser = { app: string; instead: "Safari" | "Chrome" };

/** Which app's own view this is, and which browser to open instead; null in a browser proper. */
export function inAppBrowser(userAgent: string): InAppBrowser | null {
  const isApple = /\b(iPhone|iPad|iPod)\b/.test(userAgent);
  const isAndroid = /\bAndroid\b/.test(userAgent);
  if (!isApple && !isAndroid) return null;
  const instead = isApple ? "Safari" : "Chrome";
  const known = APPS.find(([pattern]) => pattern.test(userAgent));
  if (known) return { app: known[1], instead };
  // Android marks every such view with "wv"; Apple's lacks the browser's own name.
  const isView = isAndroid ? /; wv\)/.test(userAgent) : !/\b(Safari|CriOS|FxiOS|EdgiOS)\//.test(userAgent);
  return isView ? { app: "", instead } : null;
}
