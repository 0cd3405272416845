// Names beside names that are taken.

/** "plan (2).txt" for "plan.txt" */
export function another(name: string): string {
  const [, stem = name, count, ending = ""] = /^(.+?)(?: \((\d{1,4})\))?(\.[^.]*)?$/s.exec(name) ?? [];
  return `${stem} (${Number(count ?? 1) + 1})${ending}`;
}
