// The words by which a file is found again: seen by all who see it, changed by those who may change it.

import { type FormEvent, useId, useState } from "react";

import { messageOf } from "../deeds";
import { FileTagsSet } from "../details";
import type { FileItem } from "../items";
import { SignedOut } from "../signin";
import { make } from "../vault";
import { say } from "../words";
import { Icon } from "./Icon";

export function Tags({ file }: { file: FileItem }) {
  const [typed, setTyped] = useState("");
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const field = useId();
  const { canEdit } = file.capabilities;
  const set = async (tags: readonly string[], done = () => {}) => {
    setBusy(true);
    setError("");
    try {
      await make(FileTagsSet, { input: { fileId: file.id, tags, ifVersion: file.revision } });
      done();
    } catch (refused) {
      if (!(refused instanceof SignedOut)) setError(messageOf(refused));
    }
    setBusy(false);
  };
  const add = (event: FormEvent) => {
    event.preventDefault();
    const wanted = typed.split(",").map((word) => word.trim());
    void set([...file.tags, ...wanted.filter(Boolean)], () => setTyped(""));
  };
  if (!canEdit && file.tags.length === 0) return null;
  return (
    <section className="stack" aria-label={say.tags}>
      <h3>{say.tags}</h3>
      <ul className="line">
        {file.tags.map((tag) => (
          <li key={tag} className="tag line">
            {tag}
            {canEdit && (
              <button
                type="button"
                aria-label={say.removeTag(tag)}
                disabled={isBusy}
                onClick={() => void set(file.tags.filter((one) => one !== tag))}
              >
                <Icon sign="close" size={14} />
              </button>
            )}
          </li>
        ))}
      </ul>
      {canEdit && (
        <form className="stack" onSubmit={add}>
          <label htmlFor={field}>{say.addTags}</label>
          <div className="line whole">
            <input
              id={field}
              value={typed}
              required
              autoComplete="off"
              aria-invalid={Boolean(error)}
              aria-describedby={`${field}-error`}
              onChange={({ target }) => setTyped(target.value)}
            />
            <button type="submit" className="button" disabled={isBusy}>
              {say.add}
            </button>
          </div>
          <p id={`${field}-error`} className="bad" role="alert">
            {error}
          </p>
        </form>
      )}
    </section>
  );
}
