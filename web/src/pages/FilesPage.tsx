// What a folder holds, what was found, what is recent or shared: a head, a bar of tools, and the list.

import { useMemo, useState } from "react";
import { useQuery } from "urql";

import type { ItemOrder, ItemWhere } from "../gql/graphql";
import { deed } from "../deeds";
import { moveAll, trashAll } from "../deedsOnItems";
import { type Item, isFile } from "../items";
import { FolderHead } from "../operations";
import { DropZone } from "../parts/DropZone";
import { Empty } from "../parts/Empty";
import { ItemList } from "../parts/ItemList";
import { FILTERS, type FilterName, Toolbar } from "../parts/Toolbar";
import { Way } from "../parts/Way";
import { usePreferences } from "../preferences";
import { type PageName, type Route, go } from "../route";
import { Lost, type Source, folderSource, recentSource, searchSource, sharedSource, trashSource, useListing } from "../sources";
import type { Me } from "../viewer";
import { say } from "../words";
import { settled, useSelection } from "../selection";

const NAMES: Partial<Record<PageName, string>> = { recent: say.recent, shared: say.shared, trash: say.trash };
const EMPTY: Partial<Record<PageName, React.ReactNode>> = {
  search: <Empty sign="search" title={say.emptyFound} text={say.emptyFoundText} />,
  recent: <Empty sign="clock" title={say.emptyRecent} />,
  shared: <Empty sign="people" title={say.emptyShared} />,
  trash: <Empty sign="trash" title={say.emptyTrash} />,
};

export function FilesPage({ route, me }: { route: Route; me: Me }) {
  const isFolder = route.page === "files" || route.page === "folder";
  return isFolder ? <FolderPage id={route.id ?? me.rootId} {...{ route, me }} /> : <FoundPage {...{ route, me }} />;
}

function FolderPage({ id, route, me }: { id: string; route: Route; me: Me }) {
  const [{ data }] = useQuery({ query: FolderHead, variables: { id } });
  const [filter, setFilter] = useState<FilterName>("all");
  const [orderBy, setOrderBy] = useState<ItemOrder>({ field: "NAME", direction: "ASC" });
  const source = useMemo(() => folderSource(id, FILTERS[filter], orderBy), [id, filter, orderBy]);
  const folder = data?.folder ?? null;
  const canEdit = folder?.capabilities.canEdit ?? false;
  return (
    <DropZone folderId={canEdit ? id : null}>
      <Contents
        {...{ source, route, me }}
        title={<Way folder={folder} rootId={me.rootId} />}
        name={id === me.rootId ? say.myFiles : (folder?.name ?? "")}
        tools={{ folderId: canEdit ? id : null, filter, setFilter, orderBy, setOrderBy }}
        empty={filter === "all" ? <Empty sign="up" title={say.empty} text={canEdit ? say.emptyText : ""} /> : null}
      />
    </DropZone>
  );
}

function FoundPage({ route, me }: { route: Route; me: Me }) {
  const [filter, setFilter] = useState<FilterName>("all");
  const { page, text } = route;
  const source = useMemo(() => sourceOf(page, text, FILTERS[filter]), [page, text, filter]);
  const name = page === "search" ? say.found(text) : (NAMES[page] ?? "");
  return (
    <Contents
      {...{ source, route, me }}
      title={<h1>{name}</h1>}
      name={name}
      tools={page === "search" ? { filter, setFilter } : {}}
      empty={EMPTY[page]}
    />
  );
}

function sourceOf(page: Route["page"], text: string, where: ItemWhere | null): Source {
  if (page === "search") return searchSource(text, where);
  if (page === "trash") return trashSource();
  return page === "recent" ? recentSource() : sharedSource();
}

interface ContentsProps {
  readonly source: Source;
  readonly route: Route;
  readonly me: Me;
  readonly title: React.ReactNode;
  readonly name: string;
  readonly tools: Omit<React.ComponentProps<typeof Toolbar>, "selection" | "listing" | "isTrash">;
  readonly empty: React.ReactNode;
}

function Contents({ source, route, me, title, name, tools, empty }: ContentsProps) {
  const { listing, ...listed } = useListing(source);
  const { view } = usePreferences();
  const selection = useSelection(listed.items);
  const isEmpty = listed.items.length === 0 && !listed.isLoading && !listed.hasMore && !listed.error;
  const isTrash = source.isTrash ?? false;
  const show = (item: Item) => {
    if (isFile(item)) go({ ...route, open: item.id });
    else if (!isTrash) go({ page: "folder", id: item.id });
  };
  const act = (key: string, item: Item) => {
    if (key !== "Delete" || isTrash || !item.capabilities.canDelete) return false;
    void deed(() => trashAll(selection.items.length ? selection.items : [item], settled(listing, me)));
    return true;
  };
  const move = (items: readonly Item[], folderId: string) =>
    void deed(() => moveAll(items, folderId, settled(listing, me)));
  if (listed.error instanceof Lost) return <Empty sign="folder" title={say.lost} text={say.lostText} isHead />;
  return (
    <section className="page" aria-label={name}>
      <title>{`${name} – ${say.brand}`}</title>
      <div className="head">
        {title}
        <Toolbar {...tools} {...{ selection, listing, isTrash }} />
      </div>
      {listed.error && (
        <p className="bad notice" role="alert">
          {listed.error.message || say.wentWrong}
        </p>
      )}
      {isEmpty ? (
        (empty ?? <Empty sign="filter" title={say.emptyFilter} />)
      ) : (
        <ItemList key={view} {...{ view, listed, selection, act, move }} open={show} more={listing.more} see={listing.see} />
      )}
    </section>
  );
}

