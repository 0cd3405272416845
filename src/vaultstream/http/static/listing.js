// The rows of one folder: made once for each item, then only changed, so that nobody loses their place.

import { copied } from "./template.js";
import { day, size, state } from "./words.js";

const SCAN_SIGNS = { CLEAN: "check", INFECTED: "warning", UNSCANNABLE: "warning", FAILED: "warning" };
const RENDERING_SAID = { PENDING: "thumbnail pending", RENDERING: "thumbnail rendering" };
const AWAITED = new Set(["PENDING", "SCANNING", "CLEAN"]); // what is not found clean is never rendered

/** Shows items in `list`; the deeds are called with the item whose button was used. */
export class Listing {
  constructor(list, { download, retryScan, retryThumbnail, say }) {
    Object.assign(this, { list, say, deeds: { download, retryScan, retryThumbnail } });
    this.rows = new Map();
  }

  get size() {
    return this.rows.size;
  }

  /** Exactly these, in this order; `isWhole` unless the folder has more. */
  show(items, isWhole) {
    this.isWhole = isWhole;
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

  /** One that is new or has changed, at its place by name; none that belongs to what is not shown yet. */
  put(item) {
    const isNew = !this.rows.has(item.id);
    const next = [...this.list.children].find(({ dataset }) => dataset.id !== item.id && dataset.key > key(item.name));
    if (isNew && !next && !this.isWhole) return;
    const { element } = this.row(item);
    if (isNew || element.nextElementSibling !== (next ?? null)) this.list.insertBefore(element, next ?? null);
  }

  /** The id of the file with this name, if it is shown. */
  idOf(name) {
    const found = [...this.rows.values()].find(({ item }) => key(item.name) === key(name));
    return found?.item.__typename === "File" ? found.item.id : undefined;
  }

  row(item) {
    const row = this.rows.get(item.id) ?? this.made(item);
    const before = row.item;
    row.item = item;
    Object.assign(row.element.dataset, { id: item.id, key: key(item.name) });
    if (item.__typename === "File") this.file(row);
    else this.folder(row);
    const isNews = before?.scan && before.scan.status !== item.scan.status;
    if (isNews) this.say(`${item.name}: ${state(item.scan.status)}`);
    return row;
  }

  made({ id, __typename }) {
    const row = { ...copied(`${__typename.toLowerCase()}-row`), item: null };
    for (const [name, deed] of Object.entries(this.deeds)) {
      if (row.parts[name]) row.parts[name].onclick = () => deed(row.item);
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
    const { scan, thumbnail, name, capabilities } = item;
    element.dataset.scan = scan.status;
    parts.name.textContent = name;
    const rendering = AWAITED.has(scan.status) && RENDERING_SAID[thumbnail.status];
    parts.about.textContent = [size(item.sizeBytes), day(item.updatedAt), rendering].filter(Boolean).join(" · ");
    parts.thumb.title = thumbnail.status === "UNSUPPORTED" ? "There is no thumbnail for a file of this kind" : "";
    parts.chip.dataset.state = scan.status;
    parts.sign.setAttribute("href", `#i-${SCAN_SIGNS[scan.status] ?? "clock"}`);
    parts.scan.textContent = state(scan.status);
    parts.reason.textContent = reason(item);
    parts.download.disabled = scan.status !== "CLEAN" || !capabilities.canDownload;
    parts.download.hidden = scan.status === "INFECTED" || scan.status === "UNSCANNABLE";
    parts.download.setAttribute("aria-label", `Download ${name}`);
    parts.retryScan.hidden = scan.status !== "FAILED" || !capabilities.canEdit;
    const isRendered = scan.status !== "CLEAN" || thumbnail.status !== "FAILED";
    parts.retryThumbnail.hidden = isRendered || !capabilities.canEdit;
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
  const why = scan.reason ? `: ${scan.reason}` : ".";
  if (scan.status === "UNSCANNABLE") return `It could not be scanned, so it stays closed${why}`;
  if (scan.status === "FAILED") return `The scan did not finish${why}`;
  if (thumbnail.status === "FAILED") return `No thumbnail${thumbnail.reason ? `: ${thumbnail.reason}` : "."}`;
  return "";
}

/** Nearly the vault's own order: it is for what comes between two looks. */
function key(name) {
  return name.normalize("NFC").toLowerCase();
}
