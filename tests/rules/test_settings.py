"""Settings: what could not be safe is refused, and what one process writes another reads."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream.settings import Secret, Settings, SettingsError

SETTINGS = Settings(
    *("table", "bucket", "key", "bus", "queues"),
    *(Secret("redis://nowhere"), Secret("postgresql://nowhere")),
    *("https://issuer.example.com/pool", "the-client", "https://vault.example.com", "pair", Secret("")),
    environment="prod",
)
KINDS = {str: st.text(), Secret: st.text().map(Secret), int: st.integers(), bool: st.booleans()}
FREE = [each.name for each in fields(Settings) if not each.name.startswith(("oidc", "budget", "trace", "trusted"))]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"oidc_issuer": "http://issuer.example.com"}, "OIDC_ISSUER must begin"),
        ({"oidc_issuer": "http://127.0.0.1:9"}, "OIDC_ISSUER is a local issuer"),
        ({"oidc_token_origin": "http://tokens.example.com"}, "OIDC_TOKEN_ORIGIN must begin"),
        ({"budget_size": 0}, "BUDGET_SIZE"),
        ({"budget_per_second": 0}, "BUDGET_PER_SECOND"),
        ({"trace_percent": 101}, "TRACE_PERCENT is 0 to 100"),
    ],
)
def test_what_could_not_be_safe_is_refused_by_its_name(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        replace(SETTINGS, **wrong)


def test_the_page_asks_the_issuer_and_who_trades_tokens_for_it() -> None:
    assert SETTINGS.sign_in_origins == ("https://issuer.example.com",)
    apart = replace(SETTINGS, oidc_token_origin="https://tokens.example.com")
    assert apart.sign_in_origins == ("https://issuer.example.com", "https://tokens.example.com")


def test_the_page_is_told_of_no_sockets_where_cloudfront_stands_in_front() -> None:
    assert SETTINGS.has_sockets
    assert not replace(SETTINGS, edge_checks_signatures=True).has_sockets


@given(st.fixed_dictionaries({each.name: KINDS[each.type] for each in fields(Settings) if each.name in FREE}))
def test_what_one_process_writes_another_reads(values: dict[str, object]) -> None:
    settings = replace(SETTINGS, **values | {"environment": "prod"})
    assert Settings.from_env(settings.to_env()) == settings
