// One name to be given; what the vault says against it stands beside it, and what was typed stays.

import { type FormEvent, useId, useRef, useState } from "react";

import { messageOf } from "../deeds";
import { SignedOut } from "../signin";
import { say } from "../words";
import { Modal } from "./Modal";

interface Props {
  readonly title: string;
  readonly label: string;
  readonly action: string;
  readonly first?: string;
  readonly maxLength?: number;
  readonly isOptional?: boolean;
  readonly give: (name: string) => Promise<unknown>;
  readonly onClose: () => void;
}

export function NameForm({ title, label, action, first = "", maxLength = 255, isOptional, give, onClose }: Props) {
  const [name, setName] = useState(first);
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await give(name);
      onClose();
    } catch (refused) {
      if (!(refused instanceof SignedOut)) setError(messageOf(refused));
      setBusy(false);
      input.current?.focus();
    }
  };
  return (
    <Modal {...{ title, onClose }}>
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <label htmlFor={id}>{label}</label>
        <input
          id={id}
          ref={input}
          value={name}
          maxLength={maxLength}
          required={!isOptional}
          autoComplete="off"
          aria-invalid={Boolean(error)}
          aria-describedby={`${id}-error`}
          onFocus={({ target }) => target.setSelectionRange(0, stemLength(target.value))}
          onChange={({ target }) => {
            setName(target.value);
            setError("");
          }}
        />
        <p id={`${id}-error`} className="bad" role="alert">
          {error}
        </p>
        <div className="line end">
          <button type="button" className="button" onClick={onClose}>
            {say.cancel}
          </button>
          <button type="submit" className="button primary" disabled={isBusy}>
            {action}
          </button>
        </div>
      </form>
    </Modal>
  );
}

/** How much of a name stands before its ending. */
function stemLength(name: string): number {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? dot : name.length;
}
