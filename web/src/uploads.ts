// The uploads of this tab: a few at a time; what a reload cut off is remembered, and goes on once its file is chosen.

import { useSyncExternalStore } from "react";

import { field, parsed, textField } from "./json";
import { another } from "./names";
import { Refused } from "./vault";
import { type Target, Upload } from "./upload";
import { fileNamed } from "./folders";

const AT_ONCE = 3;
const SEEN_MS = 6_000; // how long all is still shown once all is stored
const PLACE = "vaultstream.uploads"; // in this tab alone, and gone with the sign-out

/** An upload from before a reload: the browser forgot its file. */
export interface Unfinished {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly modified: number;
  readonly target: Target;
}

export interface Queue {
  readonly uploads: readonly Upload[];
  readonly unfinished: readonly Unfinished[];
}

let queue: Queue = { uploads: [], unfinished: recalled() };
const listeners = new Set<() => void>();
const settledListeners = new Set<() => void>();

addEventListener("beforeunload", (event) => {
  if (queue.uploads.some(({ isBusy, state }) => isBusy || state === "waiting")) event.preventDefault();
});

export function useUploads(): Queue {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => queue,
  );
}

/** Calls `listener` whenever an upload is stored or given up: the quota is another then. */
export function onSettled(listener: () => void): () => void {
  settledListeners.add(listener);
  return () => settledListeners.delete(listener);
}

export function add(files: readonly File[], folderId: string): void {
  for (const file of files) put(file, folderId);
}

/** One file into a folder, under its own name. */
export function put(file: File, folderId: string): void {
  bring(file, { folderId, name: file.name });
}

/** One file, as a new one or as the next version of another. */
export function bring(file: File, target: Target): void {
  const known = queue.unfinished.find(
    ({ name, size, modified }) => name === file.name && size === file.size && modified === file.lastModified,
  );
  const upload: Upload = new Upload(file, known?.target ?? target, () => changed(upload));
  change({
    uploads: [...queue.uploads, upload],
    unfinished: queue.unfinished.filter((one) => one !== known),
  });
  next();
}

export function resume(upload: Upload): void {
  upload.wait();
  next();
}

export function drop(upload: Upload): void {
  change({ ...queue, uploads: queue.uploads.filter((one) => one !== upload) });
  void upload.cancel().then(settled);
  next();
}

export function forget(unfinished: Unfinished): void {
  change({ ...queue, unfinished: queue.unfinished.filter((one) => one !== unfinished) });
}

export function clearDone(): void {
  change({ ...queue, uploads: queue.uploads.filter(({ state }) => state !== "done") });
}

/** What a person chose where a name was taken; `null` for nothing of that name to add a version to. */
export async function asVersion(upload: Upload): Promise<void> {
  const { folderId, name } = upload.target;
  const fileId = await fileNamed(folderId, name);
  if (!fileId) throw new Refused({ code: "CONFLICT", message: "" });
  change({ ...queue, uploads: queue.uploads.filter((one) => one !== upload) });
  bring(upload.file, { folderId, name, fileId });
}

export function asAnother(upload: Upload): void {
  const { folderId, name } = upload.target;
  change({ ...queue, uploads: queue.uploads.filter((one) => one !== upload) });
  bring(upload.file, { folderId, name: another(name) });
}

/** The same choice for each whose name is taken. */
export async function forAll(choose: (upload: Upload) => Promise<void> | void): Promise<void> {
  for (const upload of queue.uploads.filter(isClash)) await choose(upload);
}

export function isClash(upload: Upload): boolean {
  return upload.state === "failed" && upload.error?.code === "NAME_TAKEN";
}

function next(): void {
  const free = AT_ONCE - queue.uploads.filter(({ isBusy }) => isBusy).length;
  const waiting = queue.uploads.filter(({ state }) => state === "waiting");
  for (const upload of waiting.slice(0, Math.max(free, 0))) void upload.start();
}

function changed(upload: Upload): void {
  change({ ...queue, uploads: [...queue.uploads] });
  if (upload.state === "done") finish();
  if (!upload.isBusy && upload.state !== "waiting") queueMicrotask(next);
}

function finish(): void {
  settled();
  const isAll = () => queue.uploads.every(({ state }) => state === "done");
  if (isAll()) setTimeout(() => isAll() && clearDone(), SEEN_MS);
}

function settled(): void {
  for (const listener of settledListeners) listener();
}

function change(now: Queue): void {
  queue = now;
  remember();
  for (const listener of listeners) listener();
}

function remember(): void {
  const open = queue.uploads.filter(({ id, state }) => id && state !== "done" && state !== "over");
  const kept: Unfinished[] = open.map(({ id, file, target }) => ({
    id: id ?? "",
    name: file.name,
    size: file.size,
    modified: file.lastModified,
    target,
  }));
  sessionStorage.setItem(PLACE, JSON.stringify([...queue.unfinished, ...kept]));
}

function recalled(): Unfinished[] {
  const kept = parsed(sessionStorage.getItem(PLACE));
  if (!Array.isArray(kept)) return [];
  return kept.flatMap((one: unknown) => {
    const [id, name, target] = [textField(one, "id"), textField(one, "name"), field(one, "target")];
    const [folderId, as] = [textField(target, "folderId"), textField(target, "name")];
    if (!id || !name || !folderId || !as) return [];
    const fileId = textField(target, "fileId");
    const where = { folderId, name: as, ...(fileId && { fileId }) };
    return [{ id, name, size: Number(field(one, "size")), modified: Number(field(one, "modified")), target: where }];
  });
}
