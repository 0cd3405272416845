// Where one is, as the part of the address after `#`: the server is asked for one page only, wherever it stands.

import { useSyncExternalStore } from "react";

export const PAGES = ["files", "folder", "recent", "shared", "trash", "search", "tokens", "audit", "settings"] as const;
export type PageName = (typeof PAGES)[number];

export interface Route {
  readonly page: PageName;
  readonly id: string | null; // of the folder
  readonly text: string; // what is searched for
  readonly open: string | null; // whose details are shown
}

let route = read(location.hash);
const listeners = new Set<() => void>();

addEventListener("hashchange", () => {
  route = read(location.hash);
  for (const listener of listeners) listener();
});

export function useRoute(): Route {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => route,
  );
}

/** The address of a place, for links. */
export function to({ page = "files", id = null, text = "", open = null }: Partial<Route>): string {
  const query = new URLSearchParams({ ...(text && { text }), ...(open && { open }) }).toString();
  const path = page === "files" ? "" : id ? `${page}/${id}` : page;
  return `#/${path}${query && `?${query}`}`;
}

export function go(place: Partial<Route>, { replace = false } = {}): void {
  if (replace) location.replace(to(place));
  else location.hash = to(place);
}

function read(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [name = "", id = null] = path.split("/");
  const asked = new URLSearchParams(query);
  const page = PAGES.find((one) => one === name) ?? "files";
  return { page, id, text: asked.get("text") ?? "", open: asked.get("open") };
}
