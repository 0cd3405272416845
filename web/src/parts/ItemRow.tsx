// One file or folder in a list, as a row or as a card.

import type { CSSProperties, MouseEvent } from "react";

import { useDragging } from "../dragging";
import { type Item, isFile, isReadable } from "../items";
import type { Selection } from "../selection";
import { day, say, size } from "../words";
import { Chip } from "./Chip";
import { ItemMenu } from "./ItemMenu";
import { Thumb } from "./Thumb";

interface Props {
  readonly item: Item;
  readonly style: CSSProperties;
  readonly place: number;
  readonly isActive: boolean;
  readonly isSelected: boolean;
  readonly selection: Selection;
  readonly open: (item: Item) => void;
  readonly onFocus: () => void;
  readonly move: (items: readonly Item[], folderId: string) => void;
}

function useRow({ item, style, place, isActive, isSelected, selection, open, onFocus, move }: Props) {
  return {
    ...useDragging(item, selection, move),
    role: "row",
    style,
    "aria-rowindex": place + 1,
    "aria-selected": isSelected,
    "data-active": isActive,
    "data-id": item.id,
    tabIndex: isActive ? 0 : -1,
    onFocus,
    onClick: (event: MouseEvent) => {
      if (event.shiftKey) selection.extend(item.id);
      else if (event.ctrlKey || event.metaKey) selection.toggle(item.id);
      else open(item);
    },
  };
}

function Check({ item, isSelected, isActive, selection }: Props) {
  return (
    <input
      type="checkbox"
      checked={isSelected}
      tabIndex={isActive ? 0 : -1}
      aria-label={say.selectOf(item.name)}
      onClick={(event) => event.stopPropagation()}
      onChange={() => selection.toggle(item.id)}
    />
  );
}

export function Row(props: Props) {
  const { item, isActive } = props;
  return (
    <div className="row" {...useRow(props)}>
      <span role="gridcell" className="check">
        <Check {...props} />
      </span>
      <span role="gridcell" className="what">
        <Thumb item={item} size={22} />
        <span className="name">{item.name}</span>
      </span>
      <span role="gridcell">{isFile(item) && <Chip of={item} />}</span>
      <span role="gridcell" className="number">
        {isFile(item) ? size(item.sizeBytes) : ""}
      </span>
      <span role="gridcell" className="soft">
        {day(item.updatedAt)}
      </span>
      <span role="gridcell">
        <ItemMenu item={item} isActive={isActive} open={props.open} />
      </span>
    </div>
  );
}

export function Card(props: Props) {
  const { item, isActive } = props;
  return (
    <div className="card-place" {...useRow(props)}>
      <div className="card" role="gridcell">
        <Thumb item={item} size={44} />
        <span className="name">{item.name}</span>
        <span className="soft">{isFile(item) ? size(item.sizeBytes) : day(item.updatedAt)}</span>
        {isFile(item) && (item.scan.release || !isReadable(item)) && <Chip of={item} />}
        <Check {...props} />
        <ItemMenu item={item} isActive={isActive} open={props.open} />
      </div>
    </div>
  );
}
