// What a folder holds, what was found, what is recent or shared: a head, a bar of tools, and the list.

import { useMemo, useState } from "react";
import { useQuery } from "urql";

import type { ItemOrder, ItemWhere } from "../gql/graphql";
import { type Item, isFile } from "../items";
import { FolderHead } from "../operations";
import { DropZone } from "../parts/DropZone";
import { Empty } from "../parts/Empty";
import { ItemList } from "../parts/ItemList";
import { FILTERS, type FilterName, Toolbar } from "../parts/Toolbar";
import { Way } from "../parts/Way";
import { usePreferences } from "../preferences";
import { type Route, go } from "../route";
import { Lost, type Source, folderSource, recentSource, searchSource, sharedSource, useListing } from "../sources";
import type { Me } from "../viewer";
import { say } from "../words";
import { useSelection } from "../selection";

export function FilesPage({ route, me }: { route: Route; me: Me }) {
  const isFolder = route.page === "files" || route.page === "folder";
  return isFolder ? <FolderPage id={route.id ?? me.rootId} me={me} /> : <FoundPage route={route} />;
}

function FolderPage({ id, me }: { id: string; me: Me }) {
  const [{ data }] = useQuery({ query: FolderHead, variables: { id } });
  const [filter, setFilter] = useState<FilterName>("all");
  const [orderBy, setOrderBy] = useState<ItemOrder>({ field: "NAME", direction: "ASC" });
  const source = useMemo(() => folderSource(id, FILTERS[filter], orderBy), [id, filter, orderBy]);
  const folder = data?.folder ?? null;
  const canEdit = folder?.capabilities.canEdit ?? false;
  return (
    <DropZone folderId={canEdit ? id : null}>
      <Contents
        source={source}
        title={<Way folder={folder} rootId={me.rootId} />}
        name={id === me.rootId ? say.myFiles : (folder?.name ?? "")}
        tools={{ folderId: canEdit ? id : null, filter, setFilter, orderBy, setOrderBy }}
        empty={filter === "all" ? <Empty sign="up" title={say.empty} text={canEdit ? say.emptyText : ""} /> : null}
      />
    </DropZone>
  );
}

function FoundPage({ route }: { route: Route }) {
  const [filter, setFilter] = useState<FilterName>("all");
  const { page, text } = route;
  const source = useMemo(() => sourceOf(page, text, FILTERS[filter]), [page, text, filter]);
  const name = { search: say.found(text), recent: say.recent, shared: say.shared, files: "", folder: "" }[page];
  const empty = {
    search: <Empty sign="search" title={say.emptyFound} text={say.emptyFoundText} />,
    recent: <Empty sign="clock" title={say.emptyRecent} />,
    shared: <Empty sign="people" title={say.emptyShared} />,
    files: null,
    folder: null,
  }[page];
  return (
    <Contents
      source={source}
      title={<h1>{name}</h1>}
      name={name}
      tools={page === "search" ? { filter, setFilter } : {}}
      empty={empty}
    />
  );
}

function sourceOf(page: Route["page"], text: string, where: ItemWhere | null): Source {
  if (page === "search") return searchSource(text, where);
  return page === "recent" ? recentSource() : sharedSource();
}

interface ContentsProps {
  readonly source: Source;
  readonly title: React.ReactNode;
  readonly name: string;
  readonly tools: Omit<React.ComponentProps<typeof Toolbar>, "selection" | "listing">;
  readonly empty: React.ReactNode;
}

function Contents({ source, title, name, tools, empty }: ContentsProps) {
  const { listing, ...listed } = useListing(source);
  const { view } = usePreferences();
  const selection = useSelection(listed.items);
  const isEmpty = listed.items.length === 0 && !listed.isLoading && !listed.hasMore && !listed.error;
  if (listed.error instanceof Lost) return <Empty sign="folder" title={say.lost} text={say.lostText} isHead />;
  return (
    <section className="page" aria-label={name}>
      <title>{`${name} – ${say.brand}`}</title>
      <div className="head">
        {title}
        <Toolbar {...tools} selection={selection} listing={listing} />
      </div>
      {listed.error && (
        <p className="bad notice" role="alert">
          {listed.error.message || say.wentWrong}
        </p>
      )}
      {isEmpty ? (
        (empty ?? <Empty sign="filter" title={say.emptyFilter} />)
      ) : (
        <ItemList key={view} {...{ view, listed, selection, open }} more={listing.more} see={listing.see} />
      )}
    </section>
  );
}

function open(item: Item): void {
  if (!isFile(item)) go({ page: "folder", id: item.id });
}
