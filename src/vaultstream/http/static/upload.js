// One file on its way in: begun over GraphQL, sent over tus 1.0, gone on with after every cut.

import { ABORT_UPLOAD, BEGIN_UPLOAD, Refused, make } from "./api.js";
import { pause, persist, reach } from "./reach.js";
import { end, token } from "./signin.js";

const TUS = { "Tus-Resumable": "1.0.0" };
const PIECE_BYTES = 512 * 2 ** 20; // what one request brings at most
const STALL_MS = 45_000; // no byte leaves for so long: the line is dead
const STORE_MS = 600_000; // the vault stores what it has, and says nothing meanwhile
const LEASE_MS = 5_000; // after a cut the vault may still be reading what came before it
const LATER = new Set([0, 429, 500, 502, 503, 504]);

/** Calls `changed` when its `state` does: waiting, sending, cut, storing, paused, done, failed or ended.

`sentBytes` is what the vault has for good, `shownBytes` also what is on its way.
*/
export class Upload {
  constructor(file, target, changed) {
    Object.assign(this, { file, target, changed, state: "waiting", error: null, url: null, running: null });
    this.reached(0);
  }

  /** Sends until all is stored, it is paused, or the vault says no. */
  async start() {
    const { signal } = (this.running = new AbortController());
    try {
      this.become("sending");
      if (!this.url) await this.begin(signal);
      for (let attempt = 0; this.sentBytes < this.file.size && !signal.aborted; ) {
        const before = this.sentBytes;
        await this.send(attempt, signal);
        attempt = this.sentBytes > before ? 0 : attempt + 1;
      }
      if (!signal.aborted) this.become("done");
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  pause() {
    this.become("paused");
    this.running?.abort();
  }

  /** Gives it up for good; its name and its room are free again. */
  async cancel() {
    this.become("ended");
    this.running?.abort();
    if (this.id) await make(ABORT_UPLOAD, { uploadId: this.id }).catch(() => {}); // else it expires by itself
  }

  async begin(signal) {
    const { file, target } = this;
    const where = target.fileId ? { fileId: target.fileId } : { folderId: target.folderId, name: target.name };
    const what = { ...where, sizeBytes: file.size, contentType: file.type || null };
    // The same file chosen again, even in another tab, finds what has come of it and goes on from there.
    const key = await digest([...Object.values(where), file.size, file.lastModified]);
    let { upload } = await make(BEGIN_UPLOAD, { ...what, idempotencyKey: key });
    if (!isOpen(upload) && file.size) {
      ({ upload } = await make(BEGIN_UPLOAD, { ...what, idempotencyKey: crypto.randomUUID() }));
    }
    Object.assign(this, { id: upload.id, url: upload.url });
    this.reached(upload.offsetBytes);
    if (signal.aborted && this.state === "ended") await this.cancel();
  }

  async send(attempt, signal) {
    const bearer = await persist(() => token(this.rejected));
    const answer = await this.patch(bearer, signal);
    if (signal.aborted) return;
    if (answer.offset !== null) this.reached(answer.offset);
    if (answer.status === 401 && this.rejected) end();
    this.rejected = answer.status === 401 ? bearer : undefined;
    if (answer.status === 423 || LATER.has(answer.status)) await this.recover(answer, attempt, signal);
    else if (answer.status >= 400 && answer.status !== 401 && answer.offset === null) throw refusal(answer);
  }

  async recover({ status }, attempt, signal) {
    if (status === 423) await new Promise((resolve) => setTimeout(resolve, LEASE_MS));
    else {
      this.become("cut");
      await this.file.slice(this.sentBytes, this.sentBytes + 1).arrayBuffer(); // throws if the file is gone here
      await pause(attempt, signal);
    }
    if (signal.aborted) return;
    const answer = await persist(async () => {
      const headers = { ...TUS, Authorization: `Bearer ${await token()}` };
      return reach(this.url, { method: "HEAD", headers });
    });
    if (signal.aborted) return;
    if (answer.status === 404 || answer.status === 410) throw refusal({ status: 410 });
    if (answer.ok) this.reached(Number(answer.headers.get("Upload-Offset")));
    this.become("sending");
  }

  patch(bearer, signal) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const from = this.sentBytes;
      let timer;
      const within = (ms) => {
        clearTimeout(timer);
        timer = setTimeout(() => request.abort(), ms);
      };
      const stop = () => request.abort();
      request.open("PATCH", this.url);
      const headers = { ...TUS, Authorization: `Bearer ${bearer}`, "Upload-Offset": from };
      headers["Content-Type"] = "application/offset+octet-stream";
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded }) => {
        within(STALL_MS);
        if (signal.aborted) return;
        this.shownBytes = from + loaded;
        this.become("sending");
      };
      request.upload.onload = () => {
        within(STORE_MS);
        if (!signal.aborted && from + PIECE_BYTES >= this.file.size) this.become("storing");
      };
      request.onloadend = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
        resolve(read(request));
      };
      signal.addEventListener("abort", stop);
      within(STALL_MS);
      request.send(this.file.slice(from, from + PIECE_BYTES));
    });
  }

  fail(error) {
    this.error = error instanceof Refused ? error : new Refused({ code: error.name, message: told(error) });
    if (error.code === "UPLOAD_GONE") Object.assign(this, { url: null, id: null });
    this.become("failed");
  }

  reached(bytes) {
    this.sentBytes = bytes;
    this.shownBytes = bytes;
  }

  become(state) {
    this.state = state;
    this.changed(this);
  }
}

function read(request) {
  const offset = request.getResponseHeader("Upload-Offset");
  let problem = {};
  try {
    problem = JSON.parse(request.responseText || "{}");
  } catch {
    // An answer that is not the vault's own, from something on the way: its status says enough.
  }
  return { status: request.status, offset: offset === null ? null : Number(offset), ...problem };
}

function refusal({ status, code, detail }) {
  const gone = { code: "UPLOAD_GONE", message: "This upload was ended. Start it again." };
  if (status === 410) return new Refused(gone);
  return new Refused({ code, message: detail ?? `The vault did not take it (HTTP ${status}).` });
}

function told(error) {
  const isHere = ["NotReadableError", "NotFoundError"].includes(error.name);
  return isHere ? "The file on this computer has changed or is gone. Choose it again." : error.message;
}

function isOpen({ status }) {
  return status === "RECEIVING" || status === "COMPLETING";
}

async function digest(parts) {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(parts)));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
