// The frame around every page: where one can go, who one is, how much room is left, and what is on its way in.

import { Dialog } from "@base-ui/react/dialog";
import { Menu } from "@base-ui/react/menu";
import { type ComponentType, type FormEvent, type ReactNode, Suspense, lazy, useEffect, useMemo, useRef, useState } from "react";
import { useQuery } from "urql";

import { deed } from "./deeds";
import { Viewer } from "./operations";
import { FilesPage } from "./pages/FilesPage";
import { Icon, type Sign } from "./parts/Icon";
import { MenuBox } from "./parts/MenuBox";
import { QuotaBar } from "./parts/QuotaBar";
import { Toasts } from "./parts/Toasts";
import { UploadDock } from "./parts/UploadDock";
import { type PageName, type Route, go, to, useRoute } from "./route";
import { leave } from "./signin";
import { onSettled } from "./uploads";
import { Viewing, meOf, useMe } from "./viewer";
import { say } from "./words";

const TokensPage = lazy(() => import("./pages/TokensPage"));
const AuditPage = lazy(() => import("./pages/AuditPage"));
const SettingsPage = lazy(() => import("./pages/SettingsPage"));
const DetailsPanel = lazy(() => import("./pages/DetailsPanel"));

const PLACES: readonly { page: PageName; sign: Sign; name: string }[] = [
  { page: "files", sign: "folder", name: say.myFiles },
  { page: "shared", sign: "people", name: say.shared },
  { page: "recent", sign: "clock", name: say.recent },
  { page: "trash", sign: "trash", name: say.trash },
];
const AUDIT = { page: "audit", sign: "shield", name: say.audit } as const;

const SHEETS: Partial<Record<PageName, ComponentType>> = {
  tokens: TokensPage,
  audit: AuditPage,
  settings: SettingsPage,
};

export function Shell() {
  const [{ data }, again] = useQuery({ query: Viewer });
  const me = useMemo(() => data && meOf(data, () => again({ requestPolicy: "network-only" })), [data, again]);
  useEffect(() => onSettled(() => again({ requestPolicy: "network-only" })), [again]);
  if (!me) return <p className="patience">{say.loading}…</p>;
  return (
    <Viewing value={me}>
      <Toasts>
        <Frame>
          <Place />
        </Frame>
        <UploadDock />
      </Toasts>
    </Viewing>
  );
}

function Place() {
  const route = useRoute();
  const me = useMe();
  const Sheet = SHEETS[route.page];
  if (Sheet) {
    return (
      <Suspense>
        <Sheet />
      </Suspense>
    );
  }
  return (
    <>
      <FilesPage key={route.page === "search" ? "search" : to({ ...route, open: null })} {...{ route, me }} />
      {route.open && (
        <Suspense>
          <DetailsPanel id={route.open} onClose={() => go({ ...route, open: null })} />
        </Suspense>
      )}
    </>
  );
}

function Frame({ children }: { children: ReactNode }) {
  const route = useRoute();
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [route]);
  return (
    <div className="frame">
      <a className="skip" href="#main" onClick={skip}>
        {say.skip}
      </a>
      <aside className="side wide">
        <Side route={route} />
      </aside>
      <Dialog.Root open={isOpen} onOpenChange={setOpen}>
        <header className="top">
          <Dialog.Trigger className="button round narrow" aria-label={say.menu}>
            <Icon sign="sidebar" />
          </Dialog.Trigger>
          <Search route={route} />
          <Account />
        </header>
        <Dialog.Portal>
          <Dialog.Backdrop className="backdrop" />
          <Dialog.Popup className="drawer side">
            <Dialog.Title className="unseen">{say.navigation}</Dialog.Title>
            <Side route={route} />
          </Dialog.Popup>
        </Dialog.Portal>
      </Dialog.Root>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function skip(event: { preventDefault: () => void }): void {
  event.preventDefault(); // the address after # is where one is
  document.getElementById("main")?.focus();
}

function Side({ route }: { route: Route }) {
  const here = route.page === "folder" ? "files" : route.page;
  const places = useMe().isAuditor ? [...PLACES, AUDIT] : PLACES;
  return (
    <>
      <a className="brand" href={to({})}>
        <img src="/favicon.svg" alt="" width="30" height="30" />
        {say.brand}
      </a>
      <nav aria-label={say.navigation}>
        <ul>
          {places.map(({ page, sign, name }) => (
            <li key={page}>
              <a href={to({ page })} aria-current={page === here ? "page" : undefined}>
                <Icon sign={sign} />
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <QuotaBar />
    </>
  );
}

function Search({ route }: { route: Route }) {
  const [text, setText] = useState(route.text);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const from = useRef<Route>(route);
  if (route.page !== "search") from.current = route;
  useEffect(() => setText(route.page === "search" ? route.text : ""), [route]);
  const look = (now: string) => {
    clearTimeout(timer.current);
    const wanted = now.trim();
    if (wanted) go({ page: "search", text: wanted }, { replace: route.page === "search" });
    else if (route.page === "search") go(from.current);
  };
  return (
    <search>
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          look(text);
        }}
      >
        <Icon sign="search" />
        <input
          type="search"
          value={text}
          maxLength={255}
          placeholder={say.search}
          aria-label={say.search}
          onChange={({ target }) => {
            setText(target.value);
            clearTimeout(timer.current);
            timer.current = setTimeout(() => look(target.value), 250);
          }}
        />
      </form>
    </search>
  );
}

function Account() {
  const { name, email } = useMe();
  return (
    <Menu.Root>
      <Menu.Trigger className="avatar" aria-label={`${say.account}: ${name}`}>
        {name.charAt(0).toLocaleUpperCase()}
      </Menu.Trigger>
      <MenuBox>
            <div className="who">
              <b>{name}</b>
              <span>{email}</span>
            </div>
            <Menu.Item onClick={() => go({ page: "settings" })}>{say.settings}</Menu.Item>
            <Menu.Item onClick={() => go({ page: "tokens" })}>{say.tokens}</Menu.Item>
            <Menu.Separator className="separator" />
            <Menu.Item onClick={() => void deed(leave)}>{say.signOut}</Menu.Item>
          </MenuBox>
    </Menu.Root>
  );
}
