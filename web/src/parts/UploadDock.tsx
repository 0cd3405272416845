// What is on its way in: each file with its bar, and what can be done about it.

import { useRef, useState } from "react";

import { deed } from "../deeds";
import type { Upload } from "../upload";
import * as uploads from "../uploads";
import { say, size } from "../words";
import { Icon } from "./Icon";

export function UploadDock() {
  const { uploads: all, unfinished } = uploads.useUploads();
  const [isFolded, setFolded] = useState(false);
  if (all.length + unfinished.length === 0) return null;
  const open = all.filter(({ state }) => state !== "done");
  const stopped = open.filter(({ state }) => state === "failed" || state === "paused").length + unfinished.length;
  const left = open.length + unfinished.length;
  const isDone = left === 0;
  const clashes = all.filter(uploads.isClash).length;
  const title = isDone ? say.uploadsDone : stopped === left ? say.uploadsStopped : say.uploading(left - stopped);
  return (
    <section className="dock" aria-label={say.uploads}>
      <header>
        <h2>
          <button type="button" aria-expanded={!isFolded} onClick={() => setFolded(!isFolded)}>
            {title}
          </button>
        </h2>
        {isDone && (
          <button type="button" className="button round small" aria-label={say.close} onClick={uploads.clearDone}>
            <Icon sign="close" size={16} />
          </button>
        )}
      </header>
      {clashes > 1 && <Clashes count={clashes} />}
      {!isFolded && (
        <ul>
          {unfinished.map((one) => (
            <UnfinishedRow key={one.id} {...{ one }} />
          ))}
          {all.map((upload) => (
            <Row key={upload.key} upload={upload} state={upload.state} shown={upload.shownBytes} />
          ))}
        </ul>
      )}
      <p className="unseen" role="status">
        {title}
      </p>
    </section>
  );
}

/** One choice for many names that are taken. */
function Clashes({ count }: { count: number }) {
  const all = (choose: (upload: Upload) => Promise<void> | void) => void deed(() => uploads.forAll(choose));
  return (
    <div className="line clashes">
      <span>{say.clashes(count)}</span>
      <button type="button" className="button small" onClick={() => all(uploads.asVersion)}>
        {say.allVersions}
      </button>
      <button type="button" className="button small" onClick={() => all(uploads.asAnother)}>
        {say.keepAll}
      </button>
    </div>
  );
}

function UnfinishedRow({ one }: { one: uploads.Unfinished }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <li data-state="paused">
      <Icon sign="pause" size={18} />
      <div className="what">
        <span className="name">{one.target.name}</span>
        <span className="about">{say.cutByReload}</span>
      </div>
      <div className="deeds">
        <button type="button" className="button small" onClick={() => input.current?.click()}>
          {say.chooseAgain}
        </button>
        <button type="button" className="button small" onClick={() => uploads.forget(one)}>
          {say.dismiss}
        </button>
        <input
          ref={input}
          type="file"
          hidden
          aria-label={say.chooseAgain}
          onChange={({ target }) => {
            for (const file of target.files ?? []) uploads.bring(file, one.target);
          }}
        />
      </div>
    </li>
  );
}

function Row({ upload, state, shown }: { upload: Upload; state: Upload["state"]; shown: number }) {
  const isClash = uploads.isClash(upload);
  const canResume = state === "paused" || (state === "failed" && !isClash);
  const { name } = upload.target;
  return (
    <li data-state={state}>
      <Icon sign={state === "done" ? "check" : state === "failed" ? "warning" : "up"} size={18} />
      <div className="what">
        <span className="name">{name}</span>
        <span className="about">{told(upload)}</span>
        <progress
          max={upload.file.size || 1}
          value={state === "done" ? upload.file.size || 1 : shown}
          aria-label={say.uploadOf(name)}
        />
      </div>
      <div className="deeds">
        {(state === "sending" || state === "cut") && (
          <Deed sign="pause" name={say.pause} run={() => upload.pause()} />
        )}
        {canResume && <Deed sign="play" name={say.resume} run={() => uploads.resume(upload)} />}
        {isClash && (
          <>
            <button type="button" className="button small" onClick={() => void deed(() => uploads.asVersion(upload))}>
              {say.newVersion}
            </button>
            <button type="button" className="button small" onClick={() => uploads.asAnother(upload)}>
              {say.keepBoth}
            </button>
          </>
        )}
        {state !== "done" && state !== "storing" && (
          <Deed sign="close" name={state === "failed" ? say.dismiss : say.cancel} run={() => uploads.drop(upload)} />
        )}
      </div>
    </li>
  );
}

function Deed({ sign, name, run }: { sign: "pause" | "play" | "close"; name: string; run: () => void }) {
  return (
    <button type="button" className="button round small" aria-label={name} title={name} onClick={run}>
      <Icon sign={sign} size={16} />
    </button>
  );
}

const ERRORS: Readonly<Record<string, string>> = say.uploadErrors;

function told({ state, shownBytes, file, error }: Upload): string {
  const [sent, whole] = [size(shownBytes), size(file.size)];
  switch (state) {
    case "sending":
      return say.sentOf(sent, whole);
    case "paused":
      return say.pausedAt(sent, whole);
    case "failed":
      return ERRORS[error?.code ?? ""] ?? (error?.message || say.wentWrong);
    default:
      return say.uploadStates[state];
  }
}
