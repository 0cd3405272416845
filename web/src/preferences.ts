// How somebody likes this page to look, kept in this browser. Nothing of the vault's is kept here.

import { useSyncExternalStore } from "react";

import { parsed, textField } from "./json";

export interface Preferences {
  readonly theme: "system" | "light" | "dark";
  readonly view: "list" | "grid";
}

const PLACE = "vaultstream.preferences";
const listeners = new Set<() => void>();
let current = read();

export function usePreferences(): Preferences {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}

export function prefer(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  localStorage.setItem(PLACE, JSON.stringify(current));
  dress();
  for (const listener of listeners) listener();
}

/** Puts the theme on the page; the style sheet does the rest. */
export function dress(): void {
  document.documentElement.dataset["theme"] = current.theme;
}

function read(): Preferences {
  const kept = parsed(localStorage.getItem(PLACE));
  const theme = textField(kept, "theme");
  return {
    theme: theme === "light" || theme === "dark" ? theme : "system",
    view: textField(kept, "view") === "grid" ? "grid" : "list",
  };
}
