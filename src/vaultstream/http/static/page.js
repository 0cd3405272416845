// The page: who is in, which folder is open, and what is said about both.

import { CREATE_FOLDER, DOWNLOAD, FOLDER, RETRY_SCAN, RETRY_THUMBNAIL, STATUSES, VIEWER } from "./api.js";
import { Refused, ask, make } from "./api.js";
import { Listing } from "./listing.js";
import { keep, watch } from "./live.js";
import { Queue } from "./queue.js";
import { onState } from "./reach.js";
import { SignedOut, arrive, begin, leave } from "./signin.js";
import { size } from "./words.js";

const at = (id) => document.getElementById(id);
let root = null; // the id of the viewer's top folder
let open = null; // the folder that is shown; null until it is there
let pages = 1; // of it
let unwatch = () => {};
let looks = 0;

const listing = new Listing(at("items"), {
  download: deed(async ({ id }) => {
    const link = document.createElement("a");
    link.href = (await make(DOWNLOAD, { fileId: id })).url;
    link.download = ""; // an answer that is an error then fails as a download, and this page stays
    link.click();
  }),
  retryScan: deed(({ id }) => make(RETRY_SCAN, { fileId: id })),
  retryThumbnail: deed(({ id }) => make(RETRY_THUMBNAIL, { fileId: id })),
  say,
});
const queue = new Queue(at("uploads"), {
  known: (folderId, name) => (folderId === open?.id ? listing.idOf(name) : undefined),
  settled: deed(showRoom),
  say,
});

/** Does something for a person and tells them if it could not be done. */
function deed(action) {
  return async (...given) => {
    try {
      return await action(...given);
    } catch (error) {
      if (error instanceof SignedOut) return undefined; // the banner says so
      const isOurs = !(error instanceof Refused);
      if (isOurs) console.error(error);
      at("notice-text").textContent = isOurs ? "Something went wrong. Please load the page again." : error.message;
      at("notice").hidden = false;
      return undefined;
    }
  };
}

/** For those who listen rather than look. */
function say(text) {
  at("said").textContent = text;
}

async function showRoom() {
  const { viewer } = await ask(VIEWER);
  const { quotaBytes, leftBytes } = viewer.storage;
  root = viewer.rootFolder.id;
  at("who").textContent = viewer.displayName;
  at("who").title = viewer.email;
  at("room").max = quotaBytes;
  at("room").value = quotaBytes - leftBytes;
  at("room").high = quotaBytes * 0.9;
  at("room-said").textContent = `${size(quotaBytes - leftBytes)} used, ${size(leftBytes)} left`;
}

async function look() {
  const mine = (looks += 1);
  const id = location.hash.slice(1) || root;
  const nodes = [];
  let folder = null;
  let after = null;
  for (let page = 0; page < pages; page += 1) {
    ({ folder } = await ask(FOLDER, { id, after }));
    if (mine !== looks) return;
    if (!folder) break;
    nodes.push(...folder.children.edges.map(({ node }) => node));
    after = folder.children.pageInfo.endCursor;
    if (!folder.children.pageInfo.hasNextPage) break;
  }
  show(folder, nodes);
}

function show(folder, nodes) {
  const before = open;
  const isNew = folder?.id !== before?.id;
  open = folder;
  at("folder").hidden = !folder;
  at("lost").hidden = Boolean(folder);
  if (isNew && folder) at("way").replaceChildren(...[...folder.ancestors, folder].map(crumb));
  document.title = folder && folder.id !== root ? `${folder.name} – VaultStream` : "VaultStream";
  listing.show(nodes, !folder?.children.pageInfo.hasNextPage);
  at("empty").hidden = nodes.length > 0;
  at("more").hidden = !folder?.children.pageInfo.hasNextPage;
  at("add").hidden = at("new-folder").hidden = !folder?.capabilities.canEdit;
  if (!isNew) return;
  if (before) at("way").querySelector("h1")?.focus(); // not left on a row that is gone
  unwatch();
  if (folder) unwatch = watch(STATUSES, { folderId: folder.id }, ({ fileStatus }) => changed(folder, fileStatus.file));
}

function changed(folder, file) {
  if (folder.id !== open?.id) return;
  listing.put(file);
  at("empty").hidden = listing.size > 0;
}

function crumb({ id, name }, place, way) {
  const item = document.createElement("li");
  const isHere = place === way.length - 1;
  const link = document.createElement(isHere ? "h1" : "a");
  link.textContent = id === root ? "My files" : name;
  if (isHere) link.tabIndex = -1;
  else link.href = id === root ? "#" : `#${id}`;
  item.append(link);
  return item;
}

function add(files) {
  for (const file of files) queue.add(file, { folderId: open.id });
}

function dropped({ dataTransfer }) {
  const entries = [...dataTransfer.items].filter(({ kind }) => kind === "file");
  const files = entries.filter((item) => !item.webkitGetAsEntry?.()?.isDirectory).map((item) => item.getAsFile());
  add(files);
  const message = "A folder cannot be dropped: make it here, then drop its files into it.";
  if (files.length < entries.length) throw new Refused({ message });
}

const createFolder = async (form) => {
  const input = form.elements.name;
  const name = input.value;
  at("create").disabled = true;
  at("name-error").textContent = "";
  try {
    await make(CREATE_FOLDER, { parentId: open.id, name, idempotencyKey: crypto.randomUUID() });
    say(`Folder ${name} created`);
    form.hidden = true;
    form.reset();
    at("new-folder").focus();
    await look();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    at("name-error").textContent = error.message;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  } finally {
    at("create").disabled = false;
  }
};

function listen() {
  const form = at("folder-form");
  const close = () => {
    form.hidden = true;
    at("new-folder").focus();
  };
  at("new-folder").onclick = () => {
    form.hidden = false;
    form.elements.name.focus();
  };
  at("cancel").onclick = close;
  form.addEventListener("keydown", ({ key }) => key === "Escape" && close());
  form.oninput = () => form.elements.name.removeAttribute("aria-invalid");
  form.onsubmit = (event) => {
    event.preventDefault();
    deed(createFolder)(form);
  };
  at("add").onclick = at("choose").onclick = () => at("files").click();
  at("files").onchange = ({ target }) => {
    add(target.files);
    target.value = "";
  };
  at("more").onclick = deed(() => ((pages += 1), look()));
  at("sign-out").onclick = deed(leave);
  addEventListener("click", () => (at("notice").hidden = true), true); // what was said of an earlier deed
  addEventListener("hashchange", deed(() => ((pages = 1), look())));
  listenForDrops();
}

function listenForDrops() {
  const isFiles = ({ dataTransfer }) => open?.capabilities.canEdit && dataTransfer.types.includes("Files");
  addEventListener("dragover", (event) => {
    event.preventDefault(); // a file dropped anywhere must not replace the page
    event.dataTransfer.dropEffect = isFiles(event) ? "copy" : "none";
    document.body.classList.toggle("dropping", isFiles(event));
  });
  addEventListener("dragleave", ({ relatedTarget }) => relatedTarget || document.body.classList.remove("dropping"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    if (isFiles(event)) deed(dropped)(event);
  });
}

async function enter() {
  document.body.dataset.view = "in";
  listen();
  await showRoom();
  await look();
  keep(deed(() => Promise.all([look(), showRoom()])));
}

async function start() {
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // never somebody's page after them
  onState((state) => {
    if (state === "away") say("The vault does not answer.");
    else if (document.body.dataset.reach === "away") say("The vault is back.");
    document.body.dataset.reach = state;
  });
  for (const button of document.querySelectorAll(".sign-in")) button.onclick = deed(begin);
  try {
    if (await arrive()) return await deed(enter)();
  } catch (error) {
    if (!(error instanceof SignedOut)) throw error;
    at("welcome-said").textContent = error.message;
  }
  document.body.dataset.view = "out";
  return undefined;
}

start();
