"""Edge: CloudFront behind the firewall: signed URLs for contents, the page from its bucket, one private origin."""

import aws_cdk as aws
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_elasticloadbalancingv2 as balancing
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from cdk import firewall
from cdk.deployments import EDGE_REGION, Deployment

# No path and no query: links and signed URLs are keys, and a log is no place for keys.
LOGGED = ("date", "time", "x-edge-location", "cs-method", "sc-status", "sc-bytes", "time-taken", "x-edge-result-type",
          "ssl-protocol", "x-edge-request-id", "c-country")  # fmt: skip


class Edge(aws.Stack):
    """The only door to the internet."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        *,
        balancer: balancing.IApplicationLoadBalancer,
        key_group: cloudfront.IKeyGroup,
    ) -> None:
        super().__init__(scope, "Edge", env=deployment.env(EDGE_REGION), stack_name=f"{deployment.name}-edge")
        self.deployment = deployment
        acl = self._firewall()
        self.distribution = self._distribution(acl, balancer, key_group)
        self._log()
        aws.CfnOutput(self, "DistributionId", value=self.distribution.distribution_id)
        aws.CfnOutput(self, "DistributionDomain", value=self.distribution.distribution_domain_name)

    def _firewall(self) -> waf.CfnWebACL:
        acl = waf.CfnWebACL(
            self,
            "Firewall",
            name=self.deployment.name,
            scope=firewall.SCOPE,
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            rules=firewall.rules(self.deployment.countries_denied),
            visibility_config=waf.CfnWebACL.VisibilityConfigProperty(
                cloud_watch_metrics_enabled=True, metric_name=self.deployment.name, sampled_requests_enabled=False
            ),
        )
        group = logs.LogGroup(
            self,
            "FirewallLog",
            log_group_name=f"aws-waf-logs-{self.deployment.name}",  # WAF writes to no other prefix
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=aws.RemovalPolicy.DESTROY,
        )
        hidden: list[dict[str, object]] = [{"uriPath": {}}, {"queryString": {}}]
        hidden += [{"singleHeader": {"Name": name}} for name in ("authorization", "cookie")]
        logging = waf.CfnLoggingConfiguration(
            self,
            "FirewallLogging",
            resource_arn=acl.attr_arn,
            log_destination_configs=[
                f"arn:aws:logs:{EDGE_REGION}:{self.deployment.account}:log-group:aws-waf-logs-{self.deployment.name}"
            ],
            redacted_fields=[
                waf.CfnLoggingConfiguration.FieldToMatchProperty(
                    uri_path=each.get("uriPath"),
                    query_string=each.get("queryString"),
                    single_header=each.get("singleHeader"),
                )
                for each in hidden
            ],
        )
        logging.node.add_dependency(group)
        return acl

    def _distribution(
        self,
        acl: waf.CfnWebACL,
        balancer: balancing.IApplicationLoadBalancer,
        key_group: cloudfront.IKeyGroup,
    ) -> cloudfront.Distribution:
        vault = origins.VpcOrigin.with_application_load_balancer(
            balancer,
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
            read_timeout=aws.Duration.seconds(60),
            keepalive_timeout=aws.Duration.seconds(60),
        )
        page = s3.Bucket.from_bucket_attributes(
            self, "Page", bucket_name=self.deployment.page_bucket, region=self.deployment.region
        )
        self.headers = cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            response_headers_policy_name=self.deployment.name,
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=aws.Duration.days(730), include_subdomains=True, override=True
                )
            ),
        )
        signed = self._behavior(vault, cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS, key_group)
        return cloudfront.Distribution(
            self,
            "Distribution",
            comment=self.deployment.name,
            domain_names=[self.deployment.domain],
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", self.deployment.edge_certificate),
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            web_acl_id=acl.attr_arn,
            default_behavior=self._behavior(vault, cloudfront.AllowedMethods.ALLOW_ALL),
            additional_behaviors={
                "/content/*": signed,
                "/zip": signed,
                "/assets/*": cloudfront.BehaviorOptions(
                    origin=origins.S3BucketOrigin.with_origin_access_control(page),
                    viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                    cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                    response_headers_policy=self.headers,
                ),
            },
        )

    def _behavior(
        self,
        origin: cloudfront.IOrigin,
        methods: cloudfront.AllowedMethods,
        key_group: cloudfront.IKeyGroup | None = None,
    ) -> cloudfront.BehaviorOptions:
        """A way to the vault: nothing is kept on the way, everything the viewer said arrives."""
        return cloudfront.BehaviorOptions(
            origin=origin,
            allowed_methods=methods,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
            response_headers_policy=self.headers,
            trusted_key_groups=[key_group] if key_group else None,
            compress=False,  # contents are sealed or small, and a compressed secret can be guessed by its length
        )

    def _log(self) -> None:
        """CloudFront's second kind of log, since the first always has the whole address in it."""
        group = logs.LogGroup(
            self,
            "Requests",
            log_group_name=f"/aws/vendedlogs/cloudfront/{self.deployment.name}",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=aws.RemovalPolicy.DESTROY,
        )
        account = self.deployment.account
        source = logs.CfnDeliverySource(
            self,
            "RequestSource",
            name=self.deployment.name,
            log_type="ACCESS_LOGS",
            resource_arn=f"arn:aws:cloudfront::{account}:distribution/{self.distribution.distribution_id}",
        )
        target = logs.CfnDeliveryDestination(
            self, "RequestTarget", name=self.deployment.name, destination_resource_arn=group.log_group_arn
        )
        delivery = logs.CfnDelivery(
            self,
            "RequestDelivery",
            delivery_source_name=source.name,
            delivery_destination_arn=target.attr_arn,
            record_fields=list(LOGGED),
        )
        delivery.add_resource_dependency(source)
