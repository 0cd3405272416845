// What one may set: how the page looks here, the programs that act for one, and the end of the sign-in.

import { deed } from "../deeds";
import { Sheet } from "../parts/Sheet";
import { type Preferences, prefer, usePreferences } from "../preferences";
import { to } from "../route";
import { leave } from "../signin";
import { useMe } from "../viewer";
import { say } from "../words";

const THEMES = ["system", "light", "dark"] as const;
const VIEWS = ["list", "grid"] as const;

export default function SettingsPage() {
  const { name, email } = useMe();
  const { theme, view } = usePreferences();
  return (
    <Sheet name={say.settings}>
      <h2>{say.account}</h2>
      <p>
        <b>{name}</b> <span className="soft">{email}</span>
      </p>
      <div className="line">
        <a className="button" href={to({ page: "tokens" })}>
          {say.tokens}
        </a>
        <button type="button" className="button" onClick={() => void deed(leave)}>
          {say.signOut}
        </button>
      </div>
      <h2>{say.looks}</h2>
      <p className="soft">{say.looksText}</p>
      <Choice label={say.theme} names={THEMES} words={say.themes} now={theme} set={(theme) => prefer({ theme })} />
      <Choice label={say.filesAs} names={VIEWS} words={say.views} now={view} set={(view) => prefer({ view })} />
    </Sheet>
  );
}

interface ChoiceOf<Name extends string> {
  readonly label: string;
  readonly names: readonly Name[];
  readonly words: Readonly<Record<Name, string>>;
  readonly now: Name;
  readonly set: (name: Name) => void;
}

function Choice<Name extends Preferences[keyof Preferences]>({ label, names, words, now, set }: ChoiceOf<Name>) {
  return (
    <fieldset className="stack">
      <legend>{label}</legend>
      {names.map((name) => (
        <label key={name} className="check-line">
          <input type="radio" name={label} checked={name === now} onChange={() => set(name)} /> {words[name]}
        </label>
      ))}
    </fieldset>
  );
}
