// The uploads of this tab: a few at a time, each with its bar and what can be done about it.

import { copied } from "./template.js";
import { Upload } from "./upload.js";
import { size } from "./words.js";

const AT_ONCE = 3;
const SEEN_MS = 2_500; // how long a finished upload is still shown
const ACTIVE = new Set(["sending", "cut", "storing"]);
const SAID = {
  waiting: () => "Waiting for its turn",
  cut: () => "Connection lost. It goes on by itself",
  storing: () => "Sealing and storing",
  paused: ({ shownBytes, file }) => `Paused at ${size(shownBytes)} of ${size(file.size)}`,
  done: () => "Stored",
  failed: ({ error }) => error.message,
};

/** Shows itself in `panel`; `known(folderId, name)` is the id of the file of that name, if one is in view. */
export class Queue {
  constructor(panel, { known, settled, say }) {
    Object.assign(this, { panel, known, settled, say });
    this.list = panel.querySelector("ul");
    this.uploads = new Map();
    addEventListener("beforeunload", (event) => {
      const isBusy = ({ state }) => ACTIVE.has(state) || state === "waiting";
      if ([...this.uploads.keys()].some(isBusy)) event.preventDefault();
    });
  }

  add(file, target) {
    const upload = new Upload(file, { name: file.name, ...target }, () => this.changed(upload));
    const { element: row, parts } = copied("upload-row");
    parts.name.textContent = upload.target.name;
    parts.bar.setAttribute("aria-label", `Upload of ${upload.target.name}`);
    parts.pause.onclick = () => upload.pause();
    parts.resume.onclick = () => this.wait(upload);
    parts.cancel.onclick = () => this.drop(upload);
    parts.both.onclick = () => this.replace(upload, { folderId: target.folderId, name: another(upload.target.name) });
    parts.version.onclick = () => this.replace(upload, { ...target, fileId: this.known(target.folderId, file.name) });
    this.uploads.set(upload, { row, parts });
    this.list.append(row);
    this.panel.hidden = false;
    this.changed(upload);
    this.next();
  }

  wait(upload) {
    upload.become("waiting");
    this.next();
  }

  next() {
    const all = [...this.uploads.keys()];
    const free = AT_ONCE - all.filter(({ state }) => ACTIVE.has(state)).length;
    const waiting = all.filter(({ state }) => state === "waiting");
    for (const upload of waiting.slice(0, Math.max(free, 0))) upload.start();
  }

  replace(upload, target) {
    this.drop(upload);
    this.add(upload.file, target);
  }

  drop(upload) {
    this.remove(upload);
    upload.cancel().then(this.settled);
    this.next();
  }

  changed(upload) {
    const shown = this.uploads.get(upload);
    if (!shown) return;
    this.show(upload, shown);
    if (shown.state === upload.state) return;
    shown.state = upload.state;
    if (upload.state === "done") this.finish(upload);
    if (upload.state === "failed") this.say(`${upload.target.name}: ${upload.error.message}`);
    if (!ACTIVE.has(upload.state) && upload.state !== "waiting") queueMicrotask(() => this.next());
  }

  show(upload, { row, parts }) {
    const { state, shownBytes, file, error } = upload;
    row.dataset.state = state;
    parts.bar.max = file.size || 1;
    parts.bar.value = state === "done" ? parts.bar.max : shownBytes;
    parts.said.textContent = SAID[state]?.(upload) ?? `${size(shownBytes)} of ${size(file.size)}`;
    const isTaken = state === "failed" && error.code === "NAME_TAKEN";
    parts.pause.hidden = state !== "sending" && state !== "cut";
    parts.resume.hidden = state !== "paused" && (state !== "failed" || isTaken);
    parts.resume.textContent = state === "failed" ? "Try again" : "Resume";
    parts.both.hidden = !isTaken;
    parts.version.hidden = !isTaken || !this.known(upload.target.folderId, upload.target.name);
    parts.cancel.hidden = state === "done" || state === "storing";
    parts.cancel.textContent = state === "failed" ? "Dismiss" : "Cancel";
  }

  finish(upload) {
    this.say(`${upload.target.name}: stored`);
    this.settled();
    setTimeout(() => this.remove(upload), SEEN_MS);
  }

  remove(upload) {
    this.uploads.get(upload)?.row.remove();
    this.uploads.delete(upload);
    this.panel.hidden = this.uploads.size === 0;
  }
}

function another(name) {
  const [, stem, count, ending] = /^(.+?)(?: \((\d{1,4})\))?(\.[^.]*)?$/s.exec(name);
  return `${stem} (${Number(count ?? 1) + 1})${ending ?? ""}`;
}
