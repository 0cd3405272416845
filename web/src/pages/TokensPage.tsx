// The tokens by which programs act for a person: which there are, a new one, and the end of one.

import { useId, useState } from "react";

import { AccessTokenCreate, AccessTokenRevoke, AccessTokens } from "../accessTokens";
import { deed, tell } from "../deeds";
import type { AccessScope, AccessTokensQuery } from "../gql/graphql";
import { usePages } from "../pages";
import { Ask, Field, Once, dateOf, end, text } from "../parts/Ask";
import { FolderForm } from "../parts/FolderForm";
import { Icon } from "../parts/Icon";
import { Sheet } from "../parts/Sheet";
import { ask, make, newKey } from "../vault";
import { day, moment, say } from "../words";

type Token = AccessTokensQuery["accessTokens"]["edges"][number]["node"];

const OPTIONAL: readonly AccessScope[] = ["WRITE", "SHARE"];
const DAYS_AT_FIRST = 90;
const DAYS_MAX = 365;

export default function TokensPage() {
  const { nodes, error, more, again } = usePages("tokens", async (after) => (await ask(AccessTokens, { after })).accessTokens);
  return (
    <Sheet name={say.tokens}>
      <p className="soft">{say.tokensText}</p>
      {error && (
        <p className="bad" role="alert">
          {error}
        </p>
      )}
      <NewToken made={again} />
      <h2>{say.tokensMade}</h2>
      {nodes?.length === 0 && <p className="soft">{say.noTokens}</p>}
      <ul className="entries">
        {nodes?.map((token) => (
          <One key={token.id} {...{ token, again }} />
        ))}
      </ul>
      {more && (
        <button type="button" className="button" onClick={more}>
          {say.showMore}
        </button>
      )}
    </Sheet>
  );
}

function One({ token, again }: { token: Token; again: () => void }) {
  const { id, name, scopes, createdAt, expiresAt, lastUsedAt, revokedAt } = token;
  const isOver = Date.parse(expiresAt) <= Date.now();
  const revoke = async () => {
    await make(AccessTokenRevoke, { input: { accessTokenId: id } });
    tell(say.tokenRevoked(name));
    again();
  };
  return (
    <li>
      <div className="what">
        <b>{name}</b>
        <span className="soft">
          {[
            reachOf(token),
            say.madeOn(day(createdAt)),
            say.until(day(expiresAt)),
            lastUsedAt ? say.lastUsed(moment(lastUsedAt)) : say.neverUsed,
          ].join(" · ")}
        </span>
      </div>
      {scopes.map((scope) => (
        <span key={scope} className="tag">
          {say.scopes[scope]}
        </span>
      ))}
      {revokedAt || isOver ? (
        <span className="soft">{revokedAt ? say.revokedOn(day(revokedAt)) : say.over}</span>
      ) : (
        <button
          type="button"
          className="button small"
          aria-label={say.revokeToken(name)}
          onClick={() => void deed(revoke)}
        >
          {say.revoke}
        </button>
      )}
    </li>
  );
}

function reachOf({ isBound, folder }: Token): string {
  if (!isBound) return say.wholeReach;
  return folder ? say.folderReach(folder.name || say.myFiles) : say.lostReach;
}

interface Bound {
  readonly id: string;
  readonly name: string;
}

function NewToken({ made }: { made: () => void }) {
  const [folder, setFolder] = useState<Bound | null>(null);
  const [secret, setSecret] = useState("");
  const send = async (fields: FormData) => {
    setSecret("");
    const scopes: AccessScope[] = ["READ", ...OPTIONAL.filter((scope) => fields.has(scope))];
    const expiresAt = end(fields) ?? "";
    const given = { name: text(fields, "name"), scopes, expiresAt, folderId: folder?.id ?? null };
    const answer = await make(AccessTokenCreate, { input: { ...given, idempotencyKey: newKey() } });
    setSecret(answer.secret ?? "");
    setFolder(null);
    made();
  };
  return (
    <>
      <Ask send={send} action={say.makeToken}>
        <Field label={say.tokenName} name="name" maxLength={100} required />
        <fieldset className="stack">
          <legend>{say.tokenMay}</legend>
          <label className="check-line">
            <input type="checkbox" checked disabled /> {say.scopeTexts.READ}
          </label>
          {OPTIONAL.map((scope) => (
            <label key={scope} className="check-line">
              <input type="checkbox" name={scope} /> {say.scopeTexts[scope]}
            </label>
          ))}
        </fieldset>
        <div className="stack">
          <Reach {...{ folder, setFolder }} />
          <Field
            label={say.tokenEnd}
            name="until"
            type="date"
            required
            defaultValue={dateIn(DAYS_AT_FIRST)}
            min={dateIn(0)}
            max={dateIn(DAYS_MAX)}
          />
        </div>
      </Ask>
      {secret && <Once label={say.tokenMade} value={secret} />}
    </>
  );
}

function Reach({ folder, setFolder }: { folder: Bound | null; setFolder: (folder: Bound | null) => void }) {
  const [isChoosing, setChoosing] = useState(false);
  const id = useId();
  return (
    <div className="stack" role="group" aria-labelledby={id}>
      <b id={id}>{say.tokenReach}</b>
      <div className="line">
        <span>{folder ? folder.name || say.myFiles : say.wholeReach}</span>
        <button type="button" className="button small" onClick={() => setChoosing(true)}>
          <Icon sign="folder" size={16} />
          {say.chooseFolder}
        </button>
        {folder && (
          <button type="button" className="button small" onClick={() => setFolder(null)}>
            {say.wholeReach}
          </button>
        )}
      </div>
      {isChoosing && (
        <FolderForm
          title={say.whichFolder}
          action={say.chooseThis}
          give={async (chosen) => setFolder(chosen)}
          onClose={() => setChoosing(false)}
        />
      )}
    </div>
  );
}

/** The date that a field of dates knows, so many days from now. */
function dateIn(days: number): string {
  const then = new Date();
  then.setDate(then.getDate() + days);
  return dateOf(then);
}
