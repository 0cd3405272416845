// To which folder things are moved: one walks down to it from the top.

import { useState } from "react";
import { useQuery } from "urql";

import { deed } from "../deeds";
import type { Item } from "../items";
import { FolderHead, FolderPage } from "../operations";
import { useMe } from "../viewer";
import { say } from "../words";
import { Icon } from "./Icon";
import { Modal } from "./Modal";

interface Props {
  readonly items: readonly Item[];
  readonly move: (parentId: string) => Promise<void>;
  readonly onClose: () => void;
}

export function MoveForm({ items, move, onClose }: Props) {
  const { rootId } = useMe();
  const [id, setId] = useState(rootId);
  const [{ data: head }] = useQuery({ query: FolderHead, variables: { id } });
  const [{ data }] = useQuery({ query: FolderPage, variables: { id, where: { kind: "FOLDER" } } });
  const moving = new Set(items.map((item) => item.id));
  const folders = data?.folder?.children.edges.map(({ node }) => node).filter((it) => !moving.has(it.id)) ?? [];
  const above = head?.folder?.ancestors.at(-1);
  return (
    <Modal title={say.moveTitle} onClose={onClose}>
      <p className="line">
        {above && (
          <button type="button" className="button small" onClick={() => setId(above.id)}>
            {say.backUp}
          </button>
        )}
        <b>{id === rootId ? say.myFiles : head?.folder?.name}</b>
      </p>
      <ul className="entries">
        {folders.map((folder) => (
          <li key={folder.id}>
            <Icon sign="folder" />
            <button type="button" className="link" onClick={() => setId(folder.id)}>
              {folder.name}
            </button>
          </li>
        ))}
      </ul>
      <div className="line end">
        <button type="button" className="button" onClick={onClose}>
          {say.cancel}
        </button>
        <button
          type="button"
          className="button primary"
          disabled={!head?.folder?.capabilities.canEdit}
          onClick={() => void deed(() => move(id)).then(onClose)}
        >
          {say.moveHere}
        </button>
      </div>
    </Modal>
  );
}
