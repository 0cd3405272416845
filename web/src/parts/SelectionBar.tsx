// What can be done with everything that is chosen.

import { useState } from "react";

import { deed, download, downloadZip } from "../deeds";
import { moveAll, purgeAll, restoreAll, trashAll } from "../deedsOnItems";
import { isFile, isReadable } from "../items";
import type { Listing } from "../listing";
import { type Selection, settled } from "../selection";
import { useMe } from "../viewer";
import { say } from "../words";
import { FolderForm } from "./FolderForm";
import { Icon, type Sign } from "./Icon";
import { Sure } from "./Sure";

export function SelectionBar(props: { selection: Selection; listing: Listing; isTrash: boolean }) {
  const { selection, isTrash } = props;
  return (
    <div className="tools selected" role="toolbar" aria-label={say.selected(selection.items.length)}>
      <button type="button" className="button round" aria-label={say.clearSelection} onClick={selection.clear}>
        <Icon sign="close" />
      </button>
      <span role="status">{say.selected(selection.items.length)}</span>
      {isTrash ? <InTrash {...props} /> : <InPlace {...props} />}
    </div>
  );
}

interface Props {
  readonly selection: Selection;
  readonly listing: Listing;
}

function InPlace({ selection, listing }: Props) {
  const [isMoving, setMoving] = useState(false);
  const after = settled(listing, useMe());
  const { items } = selection;
  const [first] = items;
  const isOneFile = items.length === 1 && first && isFile(first);
  const may = (deedName: "canDownload" | "canEdit" | "canDelete") => items.every((it) => it.capabilities[deedName]);
  return (
    <>
      <Deed
        sign="down"
        name={isOneFile ? say.download : say.downloadZip}
        isOff={!may("canDownload") || (isOneFile && !isReadable(first))}
        run={() => (isOneFile ? download(first.id) : downloadZip(items.map(({ id }) => id)))}
      />
      <Deed sign="move" name={say.moveTo} isOff={!may("canEdit")} run={async () => setMoving(true)} />
      <Deed sign="trash" name={say.toTrash} isOff={!may("canDelete")} run={() => trashAll(items, after)} />
      {isMoving && (
        <FolderForm
          title={say.moveTitle}
          action={say.moveHere}
          without={items.map(({ id }) => id)}
          isFit={({ capabilities }) => capabilities.canEdit}
          give={({ id }) => moveAll(items, id, after)}
          onClose={() => setMoving(false)}
        />
      )}
    </>
  );
}

function InTrash({ selection, listing }: Props) {
  const [isAsking, setAsking] = useState(false);
  const after = settled(listing, useMe());
  const { items } = selection;
  return (
    <>
      <Deed sign="undo" name={say.restore} run={() => restoreAll(items, after)} />
      <Deed sign="trash" name={say.purge} run={async () => setAsking(true)} />
      {isAsking && (
        <Sure
          action={say.purge}
          text={say.purgeAsk(items.length)}
          run={() => purgeAll(items, after)}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

function Deed(props: { sign: Sign; name: string; isOff?: boolean; run: () => Promise<unknown> }) {
  return (
    <button type="button" className="button quiet" disabled={props.isOff} onClick={() => void deed(props.run)}>
      <Icon sign={props.sign} />
      {props.name}
    </button>
  );
}
