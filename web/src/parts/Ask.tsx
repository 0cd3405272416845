// A form that is answered where it stands, its fields, and what is shown once when the vault has made it.

import { type FormEvent, type InputHTMLAttributes, type ReactNode, useId, useState } from "react";

import { deed, messageOf, tell } from "../deeds";
import { SignedOut } from "../signin";
import { say } from "../words";

interface FormProps {
  readonly send: (fields: FormData) => Promise<void>;
  readonly action: string;
  readonly children: ReactNode;
}

/** A form that keeps what was typed until the vault has taken it. */
export function Ask({ send, action, children }: FormProps) {
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    setError("");
    try {
      await send(new FormData(form));
      form.reset();
    } catch (refused) {
      if (!(refused instanceof SignedOut)) setError(messageOf(refused));
    }
    setBusy(false);
  };
  return (
    <form className="fields" onSubmit={(event) => void submit(event)}>
      {children}
      <button type="submit" className="button primary" disabled={isBusy}>
        {action}
      </button>
      {error && (
        <p className="bad" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}

export function Field({ label, ...input }: { label: string } & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div className="stack">
      <label htmlFor={id}>{label}</label>
      <input id={id} autoComplete="off" {...input} />
    </div>
  );
}

/** The end of the day that was chosen; null for none. */
export function end(fields: FormData): string | null {
  const given = text(fields, "until");
  return given ? new Date(`${given}T23:59:59`).toISOString() : null;
}

/** The beginning of the day that was chosen; null for none. */
export function start(fields: FormData): string | null {
  const given = text(fields, "from");
  return given ? new Date(`${given}T00:00:00`).toISOString() : null;
}

/** A moment's date here, as a field of dates has it; "" for none. */
export function dateOf(moment: string | Date | null | undefined): string {
  if (!moment) return "";
  const then = new Date(moment);
  return [then.getFullYear(), then.getMonth() + 1, then.getDate()].map((part) => `${part}`.padStart(2, "0")).join("-");
}

export function text(fields: FormData, name: string): string {
  const given = fields.get(name);
  return typeof given === "string" ? given : "";
}

/** What cannot be shown again, with a way to take it along. */
export function Once({ label, value }: { label: string; value: string }) {
  const id = useId();
  return (
    <div className="made" role="status">
      <label htmlFor={id}>{label}</label>
      <div className="line">
        <input id={id} readOnly value={value} onFocus={({ target }) => target.select()} />
        <button
          type="button"
          className="button"
          onClick={() => void deed(() => navigator.clipboard.writeText(value).then(() => tell(say.copied)))}
        >
          {say.copy}
        </button>
      </div>
    </div>
  );
}
