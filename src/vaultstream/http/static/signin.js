// Who one is: OpenID Connect, authorization code with PKCE. Tokens are in this module's memory and nowhere else.

import { Away, become, persist, reach } from "./reach.js";

const PENDING = "vaultstream.signin"; // what must survive the way to the issuer and back; no token
const FRESH_SHARE = 0.8; // of a token's life, after which it is renewed
let known = null; // where the issuer's endpoints are
let tokens = null;
let renewing = null;

/** Nobody is signed in, or no longer; the message may be shown. */
export class SignedOut extends Error {}

/** Goes to the issuer; the page ends here. */
export async function begin() {
  const { clientId, endpoints } = await persist(discovered);
  const pending = { state: random(), nonce: random(), verifier: random(), place: location.hash };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  go(endpoints.authorization_endpoint, {
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
export async function arrive() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state")) return false;
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "{}");
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, "", `/${pending.place ?? ""}`);
  if (!pending.state || pending.state !== answer.get("state")) {
    throw new SignedOut("That sign-in was not begun in this tab. Please sign in again.");
  }
  if (!answer.has("code")) throw new SignedOut("The sign-in was not finished. Please try again.");
  const proof = { code: answer.get("code"), code_verifier: pending.verifier, redirect_uri: home() };
  await persist(() => trade({ grant_type: "authorization_code", ...proof }, pending.nonce));
  return true;
}

/** A bearer token that still lasts; `rejected` is one that the vault did not take. Throws SignedOut. */
export async function token(rejected) {
  if (tokens && (Date.now() > tokens.renewAt || tokens.bearer === rejected)) {
    const grant = { grant_type: "refresh_token", refresh_token: tokens.refresh };
    renewing ??= trade(grant).finally(() => (renewing = null));
    await renewing;
  }
  if (!tokens) throw new SignedOut("Please sign in.");
  return tokens.bearer;
}

/** Ends the sign-in at the issuer; the page ends here, and the tokens with it. */
export async function leave() {
  const { clientId, endpoints } = await persist(discovered);
  const { end_session_endpoint: there } = endpoints;
  if (!there || !tokens) location.reload();
  else go(there, { client_id: clientId, id_token_hint: tokens.bearer, post_logout_redirect_uri: home() });
}

/** Says that the sign-in is over, whoever found it out. */
export function end() {
  tokens = null;
  become("ended");
  throw new SignedOut("Your sign-in has ended.");
}

async function trade(fields, nonce) {
  const { clientId, issuer, endpoints } = await discovered();
  const body = new URLSearchParams({ ...fields, client_id: clientId });
  const answer = await reach(endpoints.token_endpoint, { method: "POST", body });
  if (answer.status >= 500) throw new Away();
  if (!answer.ok) end();
  const given = await answer.json();
  const claims = claimsOf(given.id_token);
  const isOurs = claims.iss === issuer && [claims.aud].flat().includes(clientId);
  if (!isOurs || (nonce && claims.nonce !== nonce)) end();
  tokens = {
    bearer: given.id_token, // it names the vault as its audience and the person, which access tokens need not
    refresh: given.refresh_token ?? tokens?.refresh,
    renewAt: Date.now() + given.expires_in * 1000 * FRESH_SHARE,
  };
}

async function discovered() {
  if (known) return known;
  const { issuer, clientId } = await (await reach("/config.json")).json();
  const endpoints = await (await reach(`${issuer}/.well-known/openid-configuration`)).json();
  return (known = { issuer, clientId, endpoints });
}

function go(url, parameters) {
  location.assign(`${url}?${new URLSearchParams(parameters)}`);
}

function home() {
  return `${location.origin}/`;
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function claimsOf(jwt) {
  const text = atob(jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (char) => char.charCodeAt(0))));
}
