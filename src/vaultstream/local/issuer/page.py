"""The sign-in page: a heading, three buttons, no script."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape

from vaultstream.local.issuer.people import PEOPLE, Person

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #f4f5f7; --card: #fff; --line: #d5dae1;
  --accent: #1f5fbf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --soft: #a5b0bf; --paper: #12161c; --card: #1b2129;
  --line: #323b47; --accent: #7fb0ff; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: min(24rem, 100%); background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 2rem; }
h1 { margin: 0 0 .25rem; font-size: 1.375rem; }
p { margin: 0 0 1.25rem; color: var(--soft); }
p:last-child { margin: 1.25rem 0 0; font-size: .875rem; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .625rem; }
button { width: 100%; padding: .75rem 1rem; text-align: left; font: inherit; color: inherit; cursor: pointer;
  background: transparent; border: 1px solid var(--line); border-radius: 8px; }
button:hover { border-color: var(--accent); }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
b, small { display: block; }
small { color: var(--soft); }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def headers(origin: str) -> dict[str, str]:
    """What a browser may do with the page: send its form here and follow the answer to the vault, nothing else."""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self' {origin}; "
            "frame-ancestors 'none'; base-uri 'none'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def sign_in(fields: Mapping[str, str]) -> str:
    """The page that asks who one is; `fields` is the request, which the form hands on."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
    buttons = "".join(f"<li>{_button(person)}</li>" for person in PEOPLE)
    return _document(
        "Sign in to the local vault",
        f'<p>Choose who to be.</p><form method="post" action="/authorize">{hidden}<ul>{buttons}</ul></form>'
        "<p>These people are made up and need no password. This page exists on your own machine only.</p>",
    )


def notice(title: str, text: str) -> str:
    """A page that says one thing."""
    return _document(title, f"<p>{escape(text)}</p>")


def _button(person: Person) -> str:
    return (
        f'<button name="person" value="{escape(person.email)}"><b>{escape(person.name)}</b>'
        f"<small>{escape(person.email)}, {escape(person.about)}</small></button>"
    )


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
