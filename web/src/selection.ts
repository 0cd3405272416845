// Which items of a list are chosen, and where one stands in it.

import { useCallback, useMemo, useState } from "react";

import type { Item } from "./items";
import type { Listing } from "./listing";
import type { Me } from "./viewer";

export interface Selection {
  readonly items: readonly Item[]; // the chosen ones, in the order of the list
  readonly has: (id: string) => boolean;
  readonly toggle: (id: string) => void;
  readonly extend: (id: string) => void; // from the last one that was chosen
  readonly all: () => void;
  readonly clear: () => void;
  readonly isAll: boolean;
}

export function useSelection(items: readonly Item[]): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const [from, setFrom] = useState<string | null>(null);
  const chosen = useMemo(() => (ids.size ? items.filter(({ id }) => ids.has(id)) : []), [ids, items]);
  const toggle = useCallback((id: string) => {
    setFrom(id);
    setIds((now) => {
      const next = new Set(now);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);
  const extend = useCallback(
    (id: string) => {
      const [one, other] = [items.findIndex((item) => item.id === (from ?? id)), items.findIndex((it) => it.id === id)];
      const range = items.slice(Math.max(0, Math.min(one, other)), Math.max(one, other) + 1);
      setIds((now) => new Set([...now, ...range.map((item) => item.id)]));
    },
    [items, from],
  );
  return {
    items: chosen,
    has: (id) => ids.has(id),
    toggle,
    extend,
    all: () => setIds(new Set(items.map(({ id }) => id))),
    clear: () => setIds(new Set()),
    isAll: chosen.length > 0 && chosen.length === items.length,
  };
}

/** What follows a deed on items: they leave the list at once, or all is read again, and the quota is another. */
export function settled(listing: Listing, me: Me): (gone: readonly Item[]) => void {
  return (gone) => {
    for (const { id } of gone) listing.remove(id);
    if (gone.length === 0) listing.again();
    me.again();
  };
}
