// One file on its way in: begun over GraphQL, sent over tus 1.0, gone on with after every cut.

import { DetailedError, Upload as Tus } from "tus-js-client";

import { parsed, textField } from "./json";
import { UploadAbort, UploadBegin } from "./operations";
import { become as reached, pause, persist } from "./reach";
import { SignedOut, end, token } from "./signin";
import { Refused, make, newKey } from "./vault";

const PIECE_BYTES = 256 * 2 ** 20; // what one request brings at most
const STALL_MS = 45_000; // no byte leaves for so long: the line is dead
const STORE_MS = 600_000; // the vault stores what it has, and says nothing meanwhile
const LATER = new Set([0, 409, 423, 429, 500, 502, 503, 504]);

export type UploadState = "waiting" | "sending" | "cut" | "storing" | "paused" | "done" | "failed" | "over";

/** Where it goes: a new file of this name in the folder, or the next version of a file there. */
export interface Target {
  readonly folderId: string;
  readonly name: string;
  readonly fileId?: string;
}

export class Upload {
  readonly key = newKey(); // of its row
  state: UploadState = "waiting";
  error: Refused | null = null;
  id: string | null = null;
  shownBytes = 0; // stored or on its way
  #url: string | null = null;
  #tus: Tus | null = null;
  #run: AbortController | null = null;
  #attempt = 0;
  #used: string | undefined; // the token that was sent last
  #rejected: string | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly file: File,
    readonly target: Target,
    readonly changed: () => void,
  ) {}

  get isBusy(): boolean {
    return this.state === "sending" || this.state === "cut" || this.state === "storing";
  }

  /** Sends until all is stored, it is paused, or the vault says no. */
  async start(): Promise<void> {
    const { signal } = (this.#run = new AbortController());
    try {
      this.#become("sending");
      if (!this.#url) await this.#begin();
      if (signal.aborted) return;
      if (this.file.size === 0) this.#become("done");
      else this.#send(signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  pause(): void {
    this.#stop();
    this.#become("paused");
  }

  /** Gives it up for good; its name and its room are free again. */
  async cancel(): Promise<void> {
    this.#stop();
    this.#become("over");
    if (this.id) await make(UploadAbort, { input: { uploadId: this.id } }).catch(() => {}); // else it expires by itself
  }

  wait(): void {
    this.#become("waiting");
  }

  async #begin(): Promise<void> {
    const { file, target } = this;
    const where = target.fileId ? { fileId: target.fileId } : { folderId: target.folderId, name: target.name };
    const what = { ...where, sizeBytes: file.size, contentType: file.type || null };
    // The same file chosen again, even in another tab, finds what has come of it and goes on from there.
    const idempotencyKey = await digest([...Object.values(where), file.size, file.lastModified]);
    let { upload } = await make(UploadBegin, { input: { ...what, idempotencyKey } });
    const isOpen = upload?.status === "RECEIVING" || upload?.status === "COMPLETING";
    if (!isOpen && file.size) ({ upload } = await make(UploadBegin, { input: { ...what, idempotencyKey: newKey() } }));
    this.id = upload?.id ?? null;
    this.#url = upload?.url ?? null;
    this.shownBytes = upload?.offsetBytes ?? 0;
    if (this.state === "over") await this.cancel();
  }

  #send(signal: AbortSignal): void {
    this.#tus = new Tus(this.file, {
      uploadUrl: this.#url,
      chunkSize: PIECE_BYTES,
      retryDelays: null, // it is mended below, at the pace at which everything here waits
      storeFingerprintForResuming: false,
      onBeforeRequest: async (request) => {
        this.#used = await persist(() => token(this.#rejected));
        request.setHeader("Authorization", `Bearer ${this.#used}`);
        this.#within(STALL_MS);
      },
      onProgress: (sent, total) => {
        if (signal.aborted) return;
        if (sent > this.shownBytes) this.#attempt = 0;
        this.shownBytes = sent;
        this.#within(sent < total ? STALL_MS : STORE_MS);
        this.#become(sent < total ? "sending" : "storing");
      },
      onSuccess: () => {
        clearTimeout(this.#watch);
        reached("here");
        if (!signal.aborted) this.#become("done");
      },
      onError: (error) => void this.#mend(error, signal),
    });
    this.#tus.start();
  }

  async #mend(error: Error | DetailedError, signal: AbortSignal): Promise<void> {
    clearTimeout(this.#watch);
    if (signal.aborted) return;
    try {
      const status = await this.#judged(error);
      if (status === 401) this.#rejected = this.#used;
      else {
        this.#become("cut");
        await pause(status === 423 ? 3 : this.#attempt, signal); // after a cut the vault may still read what came before
        this.#attempt += 1;
      }
      if (!signal.aborted) this.#tus?.start();
    } catch (refused) {
      this.#fail(refused);
    }
  }

  /** The status of what is worth another try; throws all that is not. */
  async #judged(error: Error | DetailedError): Promise<number> {
    const request = error instanceof DetailedError ? error.originalRequest : null;
    if (!(error instanceof DetailedError) || !request) throw error;
    const status = error.originalResponse?.getStatus() ?? 0;
    if (status === 401 && this.#rejected === this.#used) end();
    if (status === 401) return status;
    const isGone = status === 404 || status === 410;
    if (isGone) throw new Refused({ code: "UPLOAD_GONE", message: "" });
    if (!LATER.has(status)) {
      const problem = parsed(error.originalResponse?.getBody() ?? null);
      throw new Refused({
        code: textField(problem, "code") ?? `HTTP ${status}`,
        message: textField(problem, "detail") ?? "",
      });
    }
    await this.file.slice(0, 1).arrayBuffer(); // throws if the file is gone from this computer
    return status;
  }

  #within(ms: number): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      void this.#tus?.abort().then(() => this.#tus?.start());
    }, ms);
  }

  #stop(): void {
    clearTimeout(this.#watch);
    this.#run?.abort();
    void this.#tus?.abort();
  }

  #fail(error: unknown): void {
    if (error instanceof SignedOut) return this.pause();
    const isHere = error instanceof DOMException && ["NotReadableError", "NotFoundError"].includes(error.name);
    const code = isHere ? "FILE_CHANGED" : "BROKEN";
    this.error = error instanceof Refused ? error : new Refused({ code, message: "" });
    if (this.error.code === "UPLOAD_GONE") {
      this.#url = null;
      this.id = null;
    }
    this.#become("failed");
  }

  #become(state: UploadState): void {
    if (this.state === "over") return;
    this.state = state;
    this.changed();
  }
}

async function digest(parts: readonly unknown[]): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(parts)));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
