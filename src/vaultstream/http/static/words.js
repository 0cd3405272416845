// What numbers, moments and states are called on the screen.

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** "1.2 MB" */
export function size(bytes) {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const unitDisplay = step ? "short" : "long";
  const options = { style: "unit", unit: UNITS[step], unitDisplay, maximumFractionDigits: 1 };
  return new Intl.NumberFormat(undefined, options).format(bytes / 1000 ** step);
}

/** "24 Nov 2026" */
export function day(moment) {
  return DAY.format(new Date(moment));
}

/** "Clean" for CLEAN */
export function state(name) {
  return name.charAt(0) + name.slice(1).toLowerCase();
}
