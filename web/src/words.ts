// The words of the page, in the reader's language as far as there is one; and how numbers and moments are told.

import { en, type Words } from "./words/en";

const LANGUAGES: readonly Words[] = [en];
export const say: Words = LANGUAGES.find(({ tag }) => navigator.language.startsWith(tag)) ?? en;

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
const DAY = new Intl.DateTimeFormat(say.tag, { dateStyle: "medium" });
const MOMENT = new Intl.DateTimeFormat(say.tag, { dateStyle: "medium", timeStyle: "short" });

/** "1.2 MB" */
export function size(bytes: number): string {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return new Intl.NumberFormat(say.tag, {
    style: "unit",
    unit: UNITS[step] ?? "byte",
    unitDisplay: step ? "short" : "long",
    maximumFractionDigits: 1,
  }).format(bytes / 1000 ** step);
}

const MONEY = new Intl.NumberFormat(say.tag, { style: "currency", currency: "USD", maximumFractionDigits: 4 });

/** "$0.0123", and "< $0.0001" for less */
export function money(usd: number): string {
  return usd > 0 && usd < 0.0001 ? `< ${MONEY.format(0.0001)}` : MONEY.format(usd);
}

/** "24 Nov 2026" */
export function day(moment: string): string {
  return DAY.format(new Date(moment));
}

/** "24 Nov 2026, 14:05" */
export function moment(at: string): string {
  return MOMENT.format(new Date(at));
}
