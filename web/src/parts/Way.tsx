// The folders above the one that is open, each a way back.

import type { FolderHeadQuery } from "../gql/graphql";
import { to } from "../route";
import { say } from "../words";
import { Icon } from "./Icon";

type Folder = NonNullable<FolderHeadQuery["folder"]>;

export function Way({ folder, rootId }: { folder: Folder | null; rootId: string }) {
  const nameOf = ({ id, name }: { id: string; name: string }) => (id === rootId ? say.myFiles : name);
  const isMine = folder && [folder, ...folder.ancestors].some(({ id }) => id === rootId);
  return (
    <nav className="way" aria-label={say.breadcrumbs}>
      <ol>
        {folder && !isMine && (
          <li>
            <a href={to({ page: "shared" })}>{say.shared}</a>
            <Icon sign="right" size={14} />
          </li>
        )}
        {folder?.ancestors.map((above) => (
          <li key={above.id}>
            <a href={above.id === rootId ? to({}) : to({ page: "folder", id: above.id })}>{nameOf(above)}</a>
            <Icon sign="right" size={14} />
          </li>
        ))}
        <li aria-current="page">
          <h1>{folder ? nameOf(folder) : "\u00a0"}</h1>
        </li>
      </ol>
    </nav>
  );
}
