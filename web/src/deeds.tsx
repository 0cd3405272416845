// What a person does, with an answer when it could not be done.

import { Toast } from "@base-ui/react/toast";

import { DownloadCreate, ZipCreate } from "./operations";
import { SignedOut } from "./signin";
import { Refused, make } from "./vault";
import { say } from "./words";

export const toasts = Toast.createToastManager();

/** Says something for a moment, with a way to take it back where there is one. */
export function tell(title: string, action?: { label: string; run: () => void }): void {
  toasts.add({ title, ...(action && { actionProps: { children: action.label, onClick: action.run } }) });
}

export function messageOf(error: unknown): string {
  if (error instanceof Refused && error.message) return error.message;
  console.error(error);
  return say.wentWrong;
}

/** Does it; what goes wrong is told, but for the end of the sign-in, which the page says by itself. */
export async function deed(action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (error instanceof SignedOut) return;
    toasts.add({ title: messageOf(error), type: "error", priority: "high", timeout: 12_000 });
  }
}

export async function download(fileId: string, versionNumber?: number): Promise<void> {
  const { url } = await make(DownloadCreate, { input: { fileId, versionNumber: versionNumber ?? null } });
  if (url) save(url);
}

export async function downloadZip(itemIds: readonly string[]): Promise<void> {
  const { url } = await make(ZipCreate, { input: { itemIds } });
  if (url) save(url);
}

export function save(url: string, name = ""): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name; // an answer that is an error then fails as a download, and this page stays
  link.click();
}
