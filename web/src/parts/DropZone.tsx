// Files and whole folders dropped anywhere on the page go into the folder that is open.

import { type ReactNode, useEffect, useState } from "react";

import { deed } from "../deeds";
import { unpack } from "../folders";
import { put } from "../uploads";
import { say } from "../words";
import { Icon } from "./Icon";

export function DropZone({ folderId, children }: { folderId: string | null; children: ReactNode }) {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const isFiles = ({ dataTransfer }: DragEvent) => Boolean(folderId && dataTransfer?.types.includes("Files"));
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault(); // a file dropped anywhere must not replace the page
      event.dataTransfer.dropEffect = isFiles(event) ? "copy" : "none";
      setOver(isFiles(event));
    };
    const leave = ({ relatedTarget }: DragEvent) => {
      if (!relatedTarget) setOver(false);
    };
    const drop = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(false);
      if (!folderId) return;
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry());
      void deed(() => unpack(entries.filter((entry) => entry !== null), folderId, put));
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, [folderId]);
  return (
    <>
      {children}
      {isOver && (
        <div className="drop" aria-hidden="true">
          <p>
            <Icon sign="up" size={32} />
            {say.dropHere}
          </p>
        </div>
      )}
    </>
  );
}
