"""The web ACL in front of everything: who comes too often, what looks like an attack, and from where."""

from collections.abc import Callable, Sequence

from aws_cdk import aws_wafv2 as waf

SCOPE = "CLOUDFRONT"
RATE_WINDOW_SECONDS = 300
REQUESTS_MAX = 10_000  # one address in one window, over everything: an office behind one address still works
SIGN_INS_MAX = 300  # of those, how many may try links and their passwords
UPLOADS = "/uploads"
# A GraphQL document is larger than 8 KB, and one may speak of scripts, paths and SQL: counted, not blocked.
_TEXT_RULES = ("SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY")
_Property = waf.CfnWebACL
_Named = tuple[str, waf.CfnWebACL.StatementProperty]
_Matching = Callable[[waf.CfnWebACL.FieldToMatchProperty], waf.CfnWebACL.StatementProperty]


def rules(denied: Sequence[str]) -> list[waf.CfnWebACL.RuleProperty]:
    """The rules in their order; the first that blocks ends it."""
    wanted = [
        *([_denied(denied)] if denied else []),
        _rate("rate", REQUESTS_MAX),
        _rate("rate-of-links", SIGN_INS_MAX, path="/s/"),
        _managed("AWSManagedRulesAmazonIpReputationList"),
        _managed("AWSManagedRulesKnownBadInputsRuleSet"),
        _managed("AWSManagedRulesCommonRuleSet", counted=_TEXT_RULES),
        _managed("AWSManagedRulesSQLiRuleSet", counted=("SQLi_BODY", "SQLiExtendedPatterns_BODY")),
        _injections("sql-in-addresses", _sqli),
        _injections("scripts-in-addresses", _xss),
    ]
    return [_rule(name, priority, statement) for priority, (name, statement) in enumerate(wanted)]


def _rule(name: str, priority: int, statement: waf.CfnWebACL.StatementProperty) -> waf.CfnWebACL.RuleProperty:
    """A rule of our own blocks; a managed group keeps what its own rules do."""
    ours = statement.managed_rule_group_statement is None
    return _Property.RuleProperty(
        name=name,
        priority=priority,
        statement=statement,
        action=_Property.RuleActionProperty(block={}) if ours else None,
        override_action=None if ours else _Property.OverrideActionProperty(none={}),
        visibility_config=_Property.VisibilityConfigProperty(
            cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
        ),
    )


def _denied(countries: Sequence[str]) -> _Named:
    geo = _Property.GeoMatchStatementProperty(country_codes=list(countries))
    return "countries", _Property.StatementProperty(geo_match_statement=geo)


def _rate(name: str, limit: int, path: str | None = None) -> _Named:
    statement = _Property.RateBasedStatementProperty(
        aggregate_key_type="IP",
        limit=limit,
        evaluation_window_sec=RATE_WINDOW_SECONDS,
        scope_down_statement=None if path is None else _below(path),
    )
    return name, _Property.StatementProperty(rate_based_statement=statement)


def _managed(group: str, counted: Sequence[str] = ()) -> _Named:
    """AWS's own group, but not over uploads: a file may hold any bytes, and the scan worker reads all of them."""
    overrides = [
        _Property.RuleActionOverrideProperty(name=name, action_to_use=_Property.RuleActionProperty(count={}))
        for name in counted
    ]
    elsewhere = _Property.NotStatementProperty(statement=_below(UPLOADS))
    statement = _Property.ManagedRuleGroupStatementProperty(
        vendor_name="AWS",
        name=group,
        rule_action_overrides=overrides or None,
        scope_down_statement=_Property.StatementProperty(not_statement=elsewhere),
    )
    return group, _Property.StatementProperty(managed_rule_group_statement=statement)


def _below(path: str) -> waf.CfnWebACL.StatementProperty:
    return _Property.StatementProperty(
        byte_match_statement=_Property.ByteMatchStatementProperty(
            field_to_match=_Property.FieldToMatchProperty(uri_path={}),
            positional_constraint="STARTS_WITH",
            search_string=path,
            text_transformations=_transformed("NONE"),
        )
    )


def _injections(name: str, matching: _Matching) -> _Named:
    """Over query string and path, where no honest request has such text."""
    places = (_Property.FieldToMatchProperty(query_string={}), _Property.FieldToMatchProperty(uri_path={}))
    either = _Property.OrStatementProperty(statements=[matching(place) for place in places])
    return name, _Property.StatementProperty(or_statement=either)


def _sqli(place: waf.CfnWebACL.FieldToMatchProperty) -> waf.CfnWebACL.StatementProperty:
    return _Property.StatementProperty(
        sqli_match_statement=_Property.SqliMatchStatementProperty(
            field_to_match=place, text_transformations=_transformed("URL_DECODE"), sensitivity_level="LOW"
        )
    )


def _xss(place: waf.CfnWebACL.FieldToMatchProperty) -> waf.CfnWebACL.StatementProperty:
    return _Property.StatementProperty(
        xss_match_statement=_Property.XssMatchStatementProperty(
            field_to_match=place, text_transformations=_transformed("URL_DECODE")
        )
    )


def _transformed(kind: str) -> list[waf.CfnWebACL.TextTransformationProperty]:
    return [_Property.TextTransformationProperty(priority=0, type=kind)]
