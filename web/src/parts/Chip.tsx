// How far a file has come, in one word and one colour.

import { type Contents, type FileItem, isReadable, isSafe } from "../items";
import { say } from "../words";
import { Icon, type Sign } from "./Icon";

const SIGNS: Readonly<Record<FileItem["scan"]["status"], Sign>> = {
  CLEAN: "check",
  PENDING: "clock",
  SCANNING: "clock",
  INFECTED: "warning",
  UNSCANNABLE: "warning",
  FAILED: "warning",
};

export function Chip({ of }: { of: Contents }) {
  const { scan, storage } = of;
  const { status, signature, reason } = scan;
  if (isSafe(of) && !isReadable(of)) {
    return (
      <span className="chip" data-state={storage.restore}>
        <Icon sign="archive" size={14} />
        {storage.restore === "IN_PROGRESS" ? say.beingRestored : say.isArchived}
      </span>
    );
  }
  return (
    <span className="chip" data-state={status} title={reasonOf(scan) || undefined}>
      <Icon sign={SIGNS[status]} size={14} />
      {scan.release ? say.isReleased : say.scan[status]}
      {status === "INFECTED" && signature && <span className="unseen">: {signature}</span>}
      {reason && <span className="unseen">: {reason}</span>}
    </span>
  );
}

/** Why a file is closed; "" where it is not. */
export function reasonOf({ status, signature, reason }: FileItem["scan"]): string {
  return status === "INFECTED" ? say.infectedBy(signature ?? "") : (reason ?? "");
}
