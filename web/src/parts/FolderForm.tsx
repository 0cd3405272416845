// Which folder is meant: one walks down to it from the top.

import { useState } from "react";
import { useQuery } from "urql";

import { deed } from "../deeds";
import type { FolderHeadQuery } from "../gql/graphql";
import { FolderHead, FolderPage } from "../operations";
import { useMe } from "../viewer";
import { say } from "../words";
import { Icon } from "./Icon";
import { Modal } from "./Modal";

type Folder = NonNullable<FolderHeadQuery["folder"]>;

interface Props {
  readonly title: string;
  readonly action: string;
  readonly without?: readonly string[]; // the ids of folders that nobody can mean
  readonly isFit?: (folder: Folder) => boolean;
  readonly give: (folder: Folder) => Promise<void>;
  readonly onClose: () => void;
}

export function FolderForm({ title, action, without = [], isFit = () => true, give, onClose }: Props) {
  const { rootId } = useMe();
  const [id, setId] = useState(rootId);
  const [{ data: head }] = useQuery({ query: FolderHead, variables: { id } });
  const [{ data }] = useQuery({ query: FolderPage, variables: { id, where: { kind: "FOLDER" } } });
  const here = head?.folder?.id === id ? head.folder : null; // not the one before, while this one is on its way
  const folders = data?.folder?.children.edges.map(({ node }) => node).filter((it) => !without.includes(it.id)) ?? [];
  const above = here?.ancestors.at(-1);
  return (
    <Modal title={title} onClose={onClose}>
      <p className="line">
        {above && (
          <button type="button" className="button small" onClick={() => setId(above.id)}>
            {say.backUp}
          </button>
        )}
        <b>{id === rootId ? say.myFiles : here?.name}</b>
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
          disabled={!here || !isFit(here)}
          onClick={() => here && void deed(() => give(here)).then(onClose)}
        >
          {action}
        </button>
      </div>
    </Modal>
  );
}
