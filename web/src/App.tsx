// Who is in, and what they see.

import { Suspense, lazy, useEffect, useState, useSyncExternalStore } from "react";
import { Provider } from "urql";

import { Shell } from "./Shell";
import { deed } from "./deeds";
import { onReach, reachState } from "./reach";
import { SignedOut, arrive, begin } from "./signin";
import { client } from "./vault";
import { say } from "./words";

const LinkPage = lazy(() => import("./pages/LinkPage"));
const linkToken = /^\/s\/([\w-]+)\/?$/.exec(location.pathname)?.[1];

type View = "unknown" | "out" | "in";

export function App() {
  const [view, setView] = useState<View>("unknown");
  const [failure, setFailure] = useState("");
  const state = useSyncExternalStore(onReach, reachState);

  useEffect(() => {
    if (linkToken) return;
    arrive().then(
      (isIn) => setView(isIn ? "in" : "out"),
      (error: unknown) => {
        if (error instanceof SignedOut) setFailure(say.signInFailed[error.reason]);
        setView("out");
      },
    );
  }, []);

  return (
    <>
      <div role="status">{state === "away" && <p className="bar">{say.away}</p>}</div>
      {state === "ended" && view === "in" && (
        <p className="bar" role="alert">
          {say.ended}{" "}
          <button type="button" className="link" onClick={() => void deed(begin)}>
            {say.signInAgain}
          </button>
        </p>
      )}
      {linkToken && (
        <Suspense>
          <LinkPage token={linkToken} />
        </Suspense>
      )}
      {view === "out" && <Welcome failure={failure} />}
      {view === "in" && (
        <Provider value={client}>
          <Shell />
        </Provider>
      )}
    </>
  );
}

function Welcome({ failure }: { failure: string }) {
  return (
    <main className="welcome">
      <img src="/favicon.svg" alt="" width="72" height="72" />
      <h1>{say.welcome}</h1>
      <p>{say.welcomeText}</p>
      {failure && (
        <p className="bad" role="alert">
          {failure}
        </p>
      )}
      <button type="button" className="button primary large" onClick={() => void deed(begin)}>
        {say.signIn}
      </button>
    </main>
  );
}
