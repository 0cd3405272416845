// The rows of one folder: made once for each item, then only changed, so that nobody loses their place.

import { day, size, state } from "./words.js";

const SCAN_SIGNS = { CLEAN: "check", INFECTED: "warning", UNSCANNABLE: "warning", FAILED: "warning" };
const THUMBNAIL_SAID = { READY: "", UNSUPPORTED: "no thumbnail" };

/** Shows items in `list`; the deeds are called with the item whose button was used. */
export class Listing {
  constructor(list, { download, retryScan, retryThumbnail, say }) {
    Object.assign(this, { list, say, deeds: { download, retryScan, retryThumbnail } });
    this.rows = new Map();
  }

  get size() {
    return this.rows.size;
  }

  /** Exactly these, in this order. */
  show(items) {
    const kept = new Set(items.map(({ id }) => id));
    for (const [id, { element }] of this.rows) {
      if (kept.has(id)) continue;
      element.remove();
      this.rows.delete(id);
    }
    items.forEach((item, place) => {
      const { element } = this.row(item);
      if (this.list.children[place] !== element) this.list.insertBefore(element, this.list.children[place] ?? null);
    });
  }

  /** One that is new or has changed, at its place by name. */
  put(item) {
    const isNew = !this.rows.has(item.id);
    const row = this.row(item);
    if (!isNew) return;
    const after = [...this.rows.values()].filter((other) => other !== row && key(other.item) > key(item));
    const next = after.sort((one, two) => (key(one.item) < key(two.item) ? -1 : 1))[0];
    this.list.insertBefore(row.element, next?.element ?? null);
  }

  /** The id of the file with this name, if it is shown. */
  idOf(name) {
    const found = [...this.rows.values()].find(({ item }) => key(item) === key({ name }));
    return found?.item.__typename === "File" ? found.item.id : undefined;
  }

  row(item) {
    const row = this.rows.get(item.id) ?? this.made(item);
    const before = row.item;
    row.item = item;
    if (JSON.stringify(before) !== JSON.stringify(item)) (item.__typename === "File" ? this.file : this.folder).call(this, row);
    if (before && before.scan && before.scan.status !== item.scan.status) {
      this.say(`${item.name}: ${state(item.scan.status)}`);
    }
    return row;
  }

  made({ id, __typename }) {
    const element = document.getElementById(`${__typename.toLowerCase()}-row`).content.firstElementChild.cloneNode(true);
    const parts = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    const row = { element, parts, item: null };
    for (const [name, deed] of Object.entries(this.deeds)) {
      if (parts[name]) parts[name].onclick = () => deed(row.item);
    }
    this.rows.set(id, row);
    return row;
  }

  folder({ parts, item }) {
    parts.name.textContent = item.name;
    parts.name.href = `#${item.id}`;
    parts.about.textContent = day(item.updatedAt);
  }

  file({ parts, item, element }) {
    const { scan, thumbnail, name } = item;
    element.dataset.scan = scan.status;
    parts.name.textContent = name;
    const rendering = THUMBNAIL_SAID[thumbnail.status] ?? `thumbnail ${thumbnail.status.toLowerCase()}`;
    // What was not found clean is never rendered: nobody waits for it.
    const isAwaited = scan.status === "CLEAN" || scan.status === "PENDING" || scan.status === "SCANNING";
    parts.about.textContent = [size(item.sizeBytes), day(item.updatedAt), isAwaited && rendering].filter(Boolean).join(" · ");
    parts.chip.dataset.state = scan.status;
    parts.sign.setAttribute("href", `#i-${SCAN_SIGNS[scan.status] ?? "clock"}`);
    parts.scan.textContent = state(scan.status);
    parts.reason.textContent = reason(item);
    parts.download.disabled = scan.status !== "CLEAN" || !item.capabilities.canDownload;
    parts.download.hidden = scan.status === "INFECTED" || scan.status === "UNSCANNABLE";
    parts.download.setAttribute("aria-label", `Download ${name}`);
    parts.retryScan.hidden = scan.status !== "FAILED" || !item.capabilities.canEdit;
    parts.retryThumbnail.hidden = thumbnail.status !== "FAILED" || scan.status !== "CLEAN" || !item.capabilities.canEdit;
    this.picture(parts, item);
  }

  picture({ thumb, image }, { thumbnail, scan, currentVersion }) {
    const isBusy = thumbnail.status === "RENDERING" || (thumbnail.status === "PENDING" && scan.status === "CLEAN");
    thumb.dataset.state = isBusy ? "busy" : thumbnail.status;
    if (!thumbnail.url) image.hidden = true;
    else if (image.dataset.version !== currentVersion.id) {
      image.dataset.version = currentVersion.id; // its address is signed anew each time; the picture is the same
      image.hidden = true;
      image.onload = () => (image.hidden = false);
      image.onerror = () => delete image.dataset.version;
      image.src = thumbnail.url;
    }
  }
}

function reason({ scan, thumbnail }) {
  if (scan.status === "INFECTED") return `${scan.signature ?? "Something harmful"} was found. The file stays closed.`;
  if (scan.status === "UNSCANNABLE") return `It could not be scanned, so it stays closed: ${scan.reason ?? "unknown contents"}.`;
  if (scan.status === "FAILED") return scan.reason ?? "The scan did not finish.";
  return thumbnail.status === "FAILED" ? `No thumbnail: ${thumbnail.reason ?? "rendering did not finish"}.` : "";
}

function key({ name }) {
  return name.normalize("NFC").toLowerCase();
}
