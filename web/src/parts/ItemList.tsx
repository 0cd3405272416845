// The list itself, as rows or as cards: only what is in view is drawn, and the keyboard reaches all of it.

import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";

import type { Item } from "../items";
import type { Listed } from "../listing";
import type { Selection } from "../selection";
import { say } from "../words";
import { Card, Row } from "./ItemRow";

const ROW_PX = 56;
const CARD_PX = 208;
const CARD_WIDTH_PX = 184;
const AHEAD = 40; // items before the end at which the next page is asked for

interface Props {
  readonly view: "list" | "grid";
  readonly listed: Listed;
  readonly selection: Selection;
  readonly more: () => void;
  readonly see: (first: number, last: number) => void;
  readonly open: (item: Item) => void;
  readonly move: (items: readonly Item[], folderId: string) => void;
  readonly act?: (key: string, item: Item) => boolean; // what a key means here; whether it means anything
}

export function ItemList({ view, listed, selection, more, see, open, move, act }: Props) {
  const { items, hasMore, isLoading } = listed;
  const box = useRef<HTMLDivElement>(null);
  const columns = useColumns(box, view);
  const lines = Math.ceil(items.length / columns) + (hasMore || isLoading ? 2 : 0);
  const virtual = useVirtualizer({
    count: lines,
    getScrollElement: () => box.current,
    estimateSize: () => (view === "list" ? ROW_PX : CARD_PX),
    overscan: 6,
  });
  const inView = virtual.getVirtualItems();
  const lastSeen = ((inView.at(-1)?.index ?? 0) + 1) * columns;
  useEffect(() => {
    if (hasMore && !isLoading && lastSeen > items.length - AHEAD) more();
  }, [hasMore, isLoading, lastSeen, items.length, more]);

  const firstSeen = (inView[0]?.index ?? 0) * columns;
  useEffect(() => see(firstSeen, lastSeen), [see, firstSeen, lastSeen]);

  const [active, setActive] = useState(0);
  const isFocused = useRef(false);
  const at = Math.min(active, Math.max(0, items.length - 1));
  const focus = (to: number) => {
    const next = Math.max(0, Math.min(items.length - 1, to));
    isFocused.current = true;
    setActive(next);
    virtual.scrollToIndex(Math.floor(next / columns));
  };
  useLayoutEffect(() => {
    if (isFocused.current) box.current?.querySelector<HTMLElement>('[data-active="true"]')?.focus();
    isFocused.current = false;
  });

  const press = (event: KeyboardEvent) => {
    const item = items[at];
    const isOnRow = event.target instanceof HTMLElement && event.target.role === "row";
    if (!item || !isOnRow || event.altKey) return;
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 0) / (view === "list" ? ROW_PX : CARD_PX)) - 1);
    const steps: Record<string, number | undefined> = {
      ArrowDown: at + columns,
      ArrowUp: at - columns,
      ...(view === "grid" && { ArrowRight: at + 1, ArrowLeft: at - 1 }),
      Home: 0,
      End: items.length - 1,
      PageDown: at + page * columns,
      PageUp: at - page * columns,
    };
    const to = steps[event.key];
    if (to !== undefined) {
      focus(to);
      const reached = items[Math.max(0, Math.min(items.length - 1, to))];
      if (event.shiftKey && reached) selection.extend(reached.id);
    } else if (event.key === "Enter") open(item);
    else if (event.key === " ") selection.toggle(item.id);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) selection.all();
    else if (event.key === "Escape") selection.clear();
    else if (!act?.(event.key, item)) return;
    event.preventDefault();
  };

  return (
    <div className={`items ${view}`}>
      {view === "list" && <Head selection={selection} hasItems={items.length > 0} />}
      <div
        ref={box}
        className="scroll"
        role="grid"
        aria-label={say.itemsLabel}
        aria-rowcount={hasMore ? -1 : items.length}
        aria-multiselectable="true"
        aria-busy={isLoading}
        onKeyDown={press}
      >
        <div className="all" role="rowgroup" style={{ blockSize: `${virtual.getTotalSize()}px` }}>
          {inView.flatMap(({ index, start }) =>
            Array.from({ length: columns }, (_, column) => {
              const place = index * columns + column;
              const item = items[place];
              const style = { transform: `translateY(${start}px)`, insetInlineStart: `${(100 * column) / columns}%` };
              if (!item) return place < items.length + columns * 2 && column === 0 ? (
                <div key={`gap-${place}`} className="gap" role="presentation" style={style} />
              ) : null;
              const shown = {
                item,
                style: { ...style, inlineSize: `${100 / columns}%` },
                place,
                isActive: place === at,
                isSelected: selection.has(item.id),
                selection,
                open,
                move,
                onFocus: () => setActive(place),
              };
              return view === "list" ? <Row key={item.id} {...shown} /> : <Card key={item.id} {...shown} />;
            }),
          )}
        </div>
      </div>
    </div>
  );
}

function Head({ selection, hasItems }: { selection: Selection; hasItems: boolean }) {
  return (
    <div className="columns">
      <input
        type="checkbox"
        aria-label={say.selectAll}
        checked={selection.isAll}
        disabled={!hasItems}
        onChange={() => (selection.isAll ? selection.clear() : selection.all())}
      />
      <span aria-hidden="true">{say.columns.name}</span>
      <span aria-hidden="true">{say.columns.status}</span>
      <span aria-hidden="true">{say.columns.size}</span>
      <span aria-hidden="true">{say.columns.updated}</span>
      <span />
    </div>
  );
}

function useColumns(box: React.RefObject<HTMLDivElement | null>, view: "list" | "grid"): number {
  const [columns, setColumns] = useState(1);
  useLayoutEffect(() => {
    const element = box.current;
    if (view === "list" || !element) return undefined;
    const measure = () => setColumns(Math.max(2, Math.floor(element.clientWidth / CARD_WIDTH_PX)));
    const watcher = new ResizeObserver(measure);
    watcher.observe(element);
    measure();
    return () => watcher.disconnect();
  }, [box, view]);
  return columns;
}
