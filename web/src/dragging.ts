// Items that are dragged onto a folder move into it; the same can be done by keyboard from the selection's bar.

import { type DragEvent, useState } from "react";

import { type Item, isFile } from "./items";
import type { Selection } from "./selection";

const KIND = "application/x-vaultstream-items"; // what is dragged is of this page, and of no other
let dragged: readonly Item[] = [];

/** What makes an item one that is dragged, and a folder a place to drop it. */
export function useDragging(item: Item, selection: Selection, move: (items: readonly Item[], folderId: string) => void) {
  const [isOver, setOver] = useState(false);
  const fits = ({ dataTransfer }: DragEvent) =>
    dataTransfer.types.includes(KIND) && !isFile(item) && item.capabilities.canEdit && !dragged.some((it) => it.id === item.id);
  return {
    draggable: item.capabilities.canEdit && !item.trashedAt,
    "data-over": isOver || undefined,
    onDragStart: ({ dataTransfer }: DragEvent) => {
      dragged = selection.has(item.id) ? selection.items.filter((it) => it.capabilities.canEdit) : [item];
      dataTransfer.setData(KIND, "");
      dataTransfer.effectAllowed = "move";
    },
    onDragOver: (event: DragEvent) => {
      if (!fits(event)) return;
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      setOver(false);
      if (!fits(event)) return;
      event.preventDefault();
      move(dragged, item.id);
    },
  };
}
