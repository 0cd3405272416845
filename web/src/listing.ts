// A list that is read page by page and follows what happens to it; however long it is, only what is seen is drawn.

import type { Item } from "./items";

export interface Page {
  readonly nodes: readonly Item[];
  readonly endCursor: string | null;
  readonly hasNextPage: boolean;
}

export interface Listed {
  readonly items: readonly Item[];
  readonly isLoading: boolean;
  readonly hasMore: boolean;
  readonly error: Error | null;
}

/** Tells of a page after a cursor, now and whenever anything on it changes, until it is stopped; `isKnown` if the cache
will do for now. */
export type Reader = (after: string | null, isKnown: boolean, tell: (page: Page | Error) => void) => () => void;

interface Read {
  readonly after: string | null;
  page: Page | null;
  stop: (() => void) | null; // null while nobody looks at it
}

const MARGIN = 100; // items beyond what is in view whose pages are followed

export class Listing {
  #reads: Read[] = [];
  #added = new Map<string, Item>();
  #removed = new Set<string>();
  #listeners = new Set<() => void>();
  shown: Listed = { items: [], isLoading: true, hasMore: false, error: null };

  /** `before` says which of two items stands first, so that a new one finds its place; `keeps` which still belong. */
  constructor(
    readonly reader: Reader,
    readonly before: (one: Item, other: Item) => boolean,
    readonly keeps: (item: Item) => boolean,
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#reads.length === 0) this.#read(null);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): Listed => this.shown;

  /** Reads the next page, if there is one and none is on its way. */
  readonly more = (): void => {
    const last = this.#reads.at(-1);
    if (last?.page?.hasNextPage) this.#read(last.page.endCursor);
  };

  /** Reads everything that is shown once more. */
  again(): void {
    this.#removed.clear();
    this.#halt();
    const cursors = this.#reads.map((_, at) => (at ? (this.#reads[at - 1]?.page?.endCursor ?? null) : null));
    const olds = this.#reads.map(({ page }) => page);
    this.#reads = [];
    cursors.forEach((after, at) => this.#read(after, olds[at] ?? null));
    this.#added.clear();
  }

  put(item: Item): void {
    this.#removed.delete(item.id);
    this.#added.set(item.id, item);
    this.#tell();
  }

  remove(id: string): void {
    this.#added.delete(id);
    this.#removed.add(id);
    this.#tell();
  }

  /** Follows the pages around these places and no others: a change costs the same in a list of any length. */
  readonly see = (first: number, last: number): void => {
    let start = 0;
    for (const read of this.#reads) {
      const end = start + (read.page?.nodes.length ?? 0);
      const isSeen = !read.page || (start <= last + MARGIN && end >= first - MARGIN);
      if (isSeen && !read.stop) this.#follow(read, true);
      else if (!isSeen) {
        read.stop?.();
        read.stop = null;
      }
      start = end;
    }
  };

  stop(): void {
    this.#halt();
    this.#reads = [];
  }

  #halt(): void {
    for (const read of this.#reads) read.stop?.();
  }

  #read(after: string | null, known: Page | null = null): void {
    const read: Read = { after, page: known, stop: null };
    this.#reads.push(read);
    this.#follow(read, false);
    if (!read.page) this.#tell();
  }

  #follow(read: Read, isKnown: boolean): void {
    read.stop = () => {};
    read.stop = this.reader(read.after, isKnown, (page) => {
      const error = page instanceof Error ? page : null;
      if (!(page instanceof Error)) read.page = page;
      this.#tell(error);
    });
  }

  #tell(error: Error | null = null): void {
    const last = this.#reads.at(-1);
    this.shown = {
      items: this.#merged(last?.page?.hasNextPage ?? false),
      isLoading: !error && this.#reads.some(({ page }) => !page),
      hasMore: !error && (last?.page ? last.page.hasNextPage : this.#reads.length > 1),
      error,
    };
    for (const listener of this.#listeners) listener();
  }

  #merged(hasMore: boolean): Item[] {
    const seen = new Set<string>();
    const items: Item[] = [];
    for (const { page } of this.#reads) {
      for (const item of page?.nodes ?? []) {
        if (seen.has(item.id) || this.#removed.has(item.id) || !this.keeps(item)) continue;
        seen.add(item.id);
        items.push(item);
      }
    }
    for (const item of this.#added.values()) {
      if (seen.has(item.id) || !this.keeps(item)) continue;
      const place = items.findIndex((other) => this.before(item, other));
      if (place >= 0) items.splice(place, 0, item);
      else if (!hasMore) items.push(item); // else its place is further down, and it comes with its page
    }
    return items;
  }
}
