/** Texts for people. What others wrote is shown as it is, and nothing of it can move what stands beside it. */

/** Control characters, and those that turn the direction of writing or cannot be seen. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text of a user, with what cannot be seen written out. */
export function shown(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

const NUMBER = new Intl.NumberFormat("en");

export function whole(number: number): string {
  return NUMBER.format(number);
}

/** `1 image`, `2 images`; of a noun that takes more than an `s`, `many` is the plural. */
export function counted(number: number, noun: string, many = `${noun}s`): string {
  return `${whole(number)} ${number === 1 ? noun : many}`;
}

/** A rate in few digits: `0`, `0.2`, `3.4`, `120`. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return "0";
  if (perSecond < 0.1) return "< 0.1";
  return perSecond < 10 ? perSecond.toFixed(1) : whole(Math.round(perSecond));
}

/** A time in seconds: `50 µs`, `2.5 ms`, `1 s`. */
export function duration(seconds: number): string {
  const digits = (value: number) => String(Number(value.toPrecision(3)));
  if (seconds < 0.001) return `${digits(seconds * 1e6)} µs`;
  if (seconds < 1) return `${digits(seconds * 1e3)} ms`;
  return `${digits(seconds)} s`;
}

// Made once: to make one takes as long as some hundred uses of it, and a table writes a time in each row.
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** The time of day on the clock of whoever looks: `17:03:09`. */
export function clock(unixSeconds: number): string {
  return CLOCK.format(unixSeconds * 1000);
}

/** Day and time of day: `27 Nov 17:03`. */
export function moment(rfc3339: string | null): string {
  const time = new Date(rfc3339 ?? "");
  if (Number.isNaN(time.getTime())) return "–";
  return `${DAY.format(time)} ${TIME.format(time)}`;
}

/** Whole days from one time to another, both in Unix seconds; negative where it has passed. */
export function days(now: number, then: number): number {
  return Math.floor((then - now) / 86_400);
}

/**
 * The command that would exempt an image, for a shell; `null` where the image has characters that are better not
 * copied into one.
 */
export function exemptCommand(image: string, namespace: string): string | null {
  const isPlain = (text: string) => /^[\x21-\x7e]+$/.test(text);
  if (!isPlain(image) || !isPlain(namespace) || image.startsWith("-")) return null;
  const command = ["kubectl imagegate exempt", quoted(image), "-n", quoted(namespace)];
  return [...command, "--reason 'WHY'", "--expires YYYY-MM-DD"].join(" ");
}

function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
