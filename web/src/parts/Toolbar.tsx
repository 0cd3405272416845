// What can be done with the list as a whole, or with what is chosen in it.

import { Menu } from "@base-ui/react/menu";
import { useRef, useState } from "react";

import { deed, tell } from "../deeds";
import { bringTree } from "../folders";
import type { ItemOrder, ItemWhere } from "../gql/graphql";
import type { Listing } from "../listing";
import { FolderCreate } from "../operations";
import { prefer, usePreferences } from "../preferences";
import type { Selection } from "../selection";
import { add, put } from "../uploads";
import { make, newKey } from "../vault";
import { say } from "../words";
import { Icon } from "./Icon";
import { MenuBox, MenuChoice } from "./MenuBox";
import { NameForm } from "./NameForm";
import { SelectionBar } from "./SelectionBar";

export const FILTERS = {
  all: null,
  folders: { kind: "FOLDER" },
  files: { kind: "FILE" },
  images: { contentTypePrefix: "image/" },
  videos: { contentTypePrefix: "video/" },
  documents: { contentTypePrefix: "application/pdf" },
  infected: { scanStatus: "INFECTED" },
} as const satisfies Record<string, ItemWhere | null>;
export type FilterName = keyof typeof FILTERS;
const FILTER_NAMES = ["all", "folders", "files", "images", "videos", "documents", "infected"] as const;
const FIELDS = ["NAME", "UPDATED", "SIZE"] as const;
const DIRECTIONS = ["ASC", "DESC"] as const;

interface Props {
  readonly folderId?: string | null; // where one may put something
  readonly filter?: FilterName;
  readonly setFilter?: (filter: FilterName) => void;
  readonly orderBy?: ItemOrder;
  readonly setOrderBy?: (order: ItemOrder) => void;
  readonly selection: Selection;
  readonly listing: Listing;
  readonly isTrash: boolean;
}

export function Toolbar({ folderId, filter, setFilter, orderBy, setOrderBy, selection, listing, isTrash }: Props) {
  if (selection.items.length) return <SelectionBar {...{ selection, listing, isTrash }} />;
  return (
    <div className="tools">
      {filter && setFilter && <FilterMenu {...{ filter, setFilter }} />}
      {orderBy && setOrderBy && <SortMenu {...{ orderBy, setOrderBy }} />}
      <ViewSwitch />
      {folderId && <Bring {...{ folderId, listing }} />}
    </div>
  );
}

function Bring({ folderId, listing }: { folderId: string; listing: Listing }) {
  const [isNaming, setNaming] = useState(false);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const create = async (name: string) => {
    const made = await make(FolderCreate, { input: { parentId: folderId, name, idempotencyKey: newKey() } });
    if (made.folder) listing.put(made.folder);
    tell(say.folderCreated(name));
  };
  return (
    <>
      <button type="button" className="button" onClick={() => setNaming(true)}>
        <Icon sign="newFolder" />
        {say.newFolder}
      </button>
      <Menu.Root>
        <Menu.Trigger className="button primary">
          <Icon sign="up" />
          {say.upload}
        </Menu.Trigger>
        <MenuBox>
              <Menu.Item onClick={() => files.current?.click()}>
                <Icon sign="file" />
                {say.uploadFiles}
              </Menu.Item>
              <Menu.Item onClick={() => folder.current?.click()}>
                <Icon sign="folder" />
                {say.uploadFolder}
              </Menu.Item>
            </MenuBox>
      </Menu.Root>
      <FileInput input={files} {...{ folderId }} />
      <FolderInput input={folder} {...{ folderId }} />
      {isNaming && (
        <NameForm
          title={say.newFolder}
          label={say.newFolderName}
          action={say.create}
          give={create}
          onClose={() => setNaming(false)}
        />
      )}
    </>
  );
}

type Input = { input: React.RefObject<HTMLInputElement | null>; folderId: string };

function FileInput({ input, folderId }: Input) {
  return (
    <input
      ref={input}
      type="file"
      multiple
      hidden
      aria-label={say.filesToAdd}
      onChange={({ target }) => {
        add([...(target.files ?? [])], folderId);
        target.value = "";
      }}
    />
  );
}

function FolderInput({ input, folderId }: Input) {
  return (
    <input
      ref={input}
      type="file"
      hidden
      aria-label={say.uploadFolder}
      {...{ webkitdirectory: "" }}
      onChange={({ target }) => {
        void deed(() => bringTree([...(target.files ?? [])], folderId, put)).then(() => (target.value = ""));
      }}
    />
  );
}

function FilterMenu({ filter, setFilter }: Required<Pick<Props, "filter" | "setFilter">>) {
  return (
    <Menu.Root>
      <Menu.Trigger className="button quiet" data-on={filter !== "all" || undefined}>
        <Icon sign="filter" />
        {filter === "all" ? say.filter : say.filters[filter]}
      </Menu.Trigger>
      <MenuBox align="start">
            <Menu.RadioGroup value={filter} onValueChange={(now: FilterName) => setFilter(now)}>
              {FILTER_NAMES.map((name) => (
                <MenuChoice key={name} value={name} text={say.filters[name]} />
              ))}
            </Menu.RadioGroup>
          </MenuBox>
    </Menu.Root>
  );
}

function SortMenu({ orderBy, setOrderBy }: Required<Pick<Props, "orderBy" | "setOrderBy">>) {
  const { field, direction = "ASC" } = orderBy;
  return (
    <Menu.Root>
      <Menu.Trigger className="button quiet">
        <Icon sign="sort" />
        {field === "NAME" ? say.sort : say.sortBy[field]}
      </Menu.Trigger>
      <MenuBox align="start">
            <Menu.RadioGroup
              value={field}
              onValueChange={(now: ItemOrder["field"]) => setOrderBy({ field: now, direction })}
            >
              {FIELDS.map((name) => (
                <MenuChoice key={name} value={name} text={say.sortBy[name]} />
              ))}
            </Menu.RadioGroup>
            <Menu.Separator className="separator" />
            <Menu.RadioGroup
              value={direction}
              onValueChange={(now: "ASC" | "DESC") => setOrderBy({ field, direction: now })}
            >
              {DIRECTIONS.map((name) => (
                <MenuChoice key={name} value={name} text={say.order[name]} />
              ))}
            </Menu.RadioGroup>
          </MenuBox>
    </Menu.Root>
  );
}

function ViewSwitch() {
  const { view } = usePreferences();
  const other = view === "list" ? "grid" : "list";
  return (
    <button
      type="button"
      className="button quiet square"
      aria-label={say.view[other]}
      title={say.view[other]}
      onClick={() => prefer({ view: other })}
    >
      <Icon sign={other} />
    </button>
  );
}
