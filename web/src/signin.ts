// Who one is: OpenID Connect, authorization code with PKCE. Tokens are in this module's memory and nowhere else.

import { field, parsed, textField } from "./json";
import { Away, become, persist, reach } from "./reach";

const PENDING = "vaultstream.signin"; // what must survive the way to the issuer and back; no token
const FRESH_SHARE = 0.8; // of a token's life, after which it is renewed

interface Issuer {
  issuer: string;
  clientId: string;
  authorization: string;
  token: string;
  endSession: string | undefined;
  hasSockets: boolean;
}

interface Tokens {
  bearer: string;
  refresh: string | undefined;
  renewAt: number;
}

let known: Issuer | null = null;
let tokens: Tokens | null = null;
let renewing: Promise<void> | null = null;
const onNewToken = new Set<() => void>();

/** Nobody is signed in, or no longer; `reason` says why the way in failed. */
export class SignedOut extends Error {
  constructor(readonly reason: "ended" | "elsewhere" | "unfinished" = "ended") {
    super("Nobody is signed in.");
  }
}

/** Goes to the issuer; the page ends here. */
export async function begin(): Promise<void> {
  const { clientId, authorization } = await persist(discovered);
  const pending = { state: random(), nonce: random(), verifier: random(), place: location.hash };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  go(authorization, {
    client_id: clientId,
    response_type: "code",
    redirect_uri: home(),
    scope: "openid email profile",
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
}

/** Whether the page was opened by the issuer's answer and somebody is signed in now; throws SignedOut if it failed. */
export async function arrive(): Promise<boolean> {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state")) return false;
  const pending = parsed(sessionStorage.getItem(PENDING));
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, "", `/${textField(pending, "place") ?? ""}`);
  const state = textField(pending, "state");
  if (!state || state !== answer.get("state")) throw new SignedOut("elsewhere");
  const code = answer.get("code");
  if (!code) throw new SignedOut("unfinished");
  const verifier = textField(pending, "verifier") ?? "";
  const proof = { code, code_verifier: verifier, redirect_uri: home() };
  await persist(() => trade({ grant_type: "authorization_code", ...proof }, textField(pending, "nonce")));
  return true;
}

/** A bearer token that still lasts; `rejected` is one that the vault did not take. Throws SignedOut. */
export async function token(rejected?: string): Promise<string> {
  if (tokens && (Date.now() > tokens.renewAt || tokens.bearer === rejected)) {
    const grant = { grant_type: "refresh_token", refresh_token: tokens.refresh ?? "" };
    renewing ??= trade(grant).finally(() => (renewing = null));
    await renewing;
  }
  if (!tokens) throw new SignedOut();
  return tokens.bearer;
}

/** Whether sockets pass where this vault stands. */
export async function hasSockets(): Promise<boolean> {
  return (await persist(discovered)).hasSockets;
}

/** Calls `listener` after each renewal. */
export function onRenewal(listener: () => void): void {
  onNewToken.add(listener);
}

/** Ends the sign-in at the issuer; the page ends here, and the tokens with it. */
export async function leave(): Promise<void> {
  const { clientId, endSession } = await persist(discovered);
  sessionStorage.clear();
  if (!endSession || !tokens) location.reload();
  else {
    // Cognito takes its own name for the way back, and no other.
    const back = { post_logout_redirect_uri: home(), logout_uri: home() };
    go(endSession, { client_id: clientId, id_token_hint: tokens.bearer, ...back });
  }
}

/** Says that the sign-in is over, whoever found it out. */
export function end(): never {
  tokens = null;
  become("ended");
  throw new SignedOut();
}

async function trade(fields: Record<string, string>, nonce?: string): Promise<void> {
  const { clientId, issuer, token: url } = await discovered();
  const body = new URLSearchParams({ ...fields, client_id: clientId });
  const answer = await reach(url, { method: "POST", body });
  if (answer.status >= 500) throw new Away();
  if (!answer.ok) end();
  const given: unknown = await answer.json();
  const bearer = textField(given, "id_token") ?? "";
  const claims = claimsOf(bearer);
  const isOurs = field(claims, "iss") === issuer && [field(claims, "aud")].flat().includes(clientId);
  if (!isOurs || (nonce && field(claims, "nonce") !== nonce)) end();
  const isRenewed = tokens !== null;
  tokens = {
    bearer, // the id token: it names the vault as its audience and the person, which access tokens need not
    refresh: textField(given, "refresh_token") ?? tokens?.refresh,
    renewAt: Date.now() + Number(field(given, "expires_in")) * 1000 * FRESH_SHARE,
  };
  if (isRenewed) for (const listener of onNewToken) listener();
}

async function discovered(): Promise<Issuer> {
  if (known) return known;
  const config: unknown = await (await reach("/config.json")).json();
  const issuer = textField(config, "issuer") ?? "";
  const found: unknown = await (await reach(`${issuer}/.well-known/openid-configuration`)).json();
  return (known = {
    issuer,
    clientId: textField(config, "clientId") ?? "",
    authorization: textField(found, "authorization_endpoint") ?? "",
    token: textField(found, "token_endpoint") ?? "",
    endSession: textField(found, "end_session_endpoint"),
    hasSockets: field(config, "sockets") === true,
  });
}

function go(url: string, parameters: Record<string, string>): void {
  location.assign(`${url}?${new URLSearchParams(parameters).toString()}`);
}

function home(): string {
  return `${location.origin}/`;
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function claimsOf(jwt: string): unknown {
  const [, payload = ""] = jwt.split(".");
  const text = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
  return parsed(new TextDecoder().decode(Uint8Array.from(text, (char) => char.charCodeAt(0))));
}
