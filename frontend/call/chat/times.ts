// When a message was written, as the person's language says it, in the time of their own machine.

export type ChatTimes = {
  /** "10:14". */
  time: (sentAt: string) => string;
  /** "mardi 24 novembre". */
  day: (sentAt: string) => string;
};

export function chatTimes(locale: string, timeZone?: string): ChatTimes {
  const zone = timeZone === undefined ? {} : { timeZone };
  const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", ...zone });
  const day = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", ...zone });
  const format = (formatter: Intl.DateTimeFormat) => (sentAt: string) => {
    const date = new Date(sentAt);
    return Number.isNaN(date.getTime()) ? "" : formatter.format(date);
  };
  return { time: format(time), day: format(day) };
}

const GROUP_MS = 5 * 60_000;

type Said = { identity: string; sentAt: string };

/** Whether `message` follows `previous` so closely that its author need not be shown again. */
export function continues(previous: Said | undefined, message: Said): boolean {
  if (previous?.identity !== message.identity) return false;
  return Date.parse(message.sentAt) - Date.parse(previous.sentAt) < GROUP_MS;
}
