"""Security: the keys and who may use them, the secrets, who signs in, and the role that deploys."""

from collections.abc import Mapping

import aws_cdk as aws
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk.deployments import Deployment

_GITHUB = "https://token.actions.githubusercontent.com"
_BOOTSTRAP = "cdk-hnb659fds"  # the qualifier of `cdk bootstrap`
_MAY_ASSUME = ("deploy", "file-publishing", "image-publishing", "lookup")


class Security(aws.Stack):
    """Everything that other stacks lean on to be safe; a person deploys it first, a pipeline from then on."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        super().__init__(scope, "Security", env=deployment.env(), stack_name=f"{deployment.name}-security")
        self.deployment = deployment
        self.data_key = self._key("DataKey", f"alias/{deployment.name}", "wraps data keys; seals table and buckets")
        self.ops_key = self._key("OpsKey", f"alias/{deployment.name}-ops", "seals logs, queues, topics and secrets")
        self.audit_key = kms.Key(
            self,
            "AuditKey",
            alias=f"alias/{deployment.name}-audit",
            description="signs checkpoints of the audit log",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=deployment.removal,
        )
        self._let_services_use_keys()
        self.redis_token = self._secret("RedisToken", "redis", "what the cache asks of who connects")
        self.app_password = self._secret("AppPassword", "database-app", "the application's own database role")
        self.content_key = secretsmanager.Secret(
            self,
            "ContentKey",
            secret_name=f"{deployment.name}/content-key",
            description="PEM of the RSA key that signs download URLs: an operator puts it here",
            encryption_key=self.ops_key,
            removal_policy=deployment.removal,
        )
        self.public_key = cloudfront.PublicKey(
            self, "SigningKeyV1", encoded_key=deployment.content_public_key, public_key_name=f"{deployment.name}-v1"
        )
        self.key_group = cloudfront.KeyGroup(
            self, "SigningKeys", items=[self.public_key], key_group_name=deployment.name
        )
        self.pool, self.client = self._sign_in()
        self.deploy_role = self._deploy_role()

    def _key(self, name: str, alias: str, description: str) -> kms.Key:
        return kms.Key(
            self,
            name,
            alias=alias,
            description=description,
            enable_key_rotation=True,
            pending_window=aws.Duration.days(30),
            removal_policy=self.deployment.removal,
        )

    def _let_services_use_keys(self) -> None:
        """What AWS does on its own behalf, written here: a key policy that others wrote to would be a circle."""
        region, account = self.deployment.region, self.deployment.account
        self.ops_key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"logs.{region}.amazonaws.com")],
                actions=["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"],
                resources=["*"],
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": self.deployment.arn("logs", "*")}},
            )
        )
        by_service = {"aws:SourceAccount": account}
        for service in ("sns", "cloudwatch", "cloudtrail", "delivery.logs"):
            self.ops_key.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                    actions=["kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKey*"],
                    resources=["*"],
                    conditions={"StringEquals": by_service},
                )
            )
        self._let_the_bus_use_its_key(by_service)
        self.data_key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
                actions=["kms:Decrypt"],
                resources=["*"],
                conditions={"ArnLike": {"aws:SourceArn": f"arn:aws:cloudfront::{account}:distribution/*"}},
            )
        )

    def _let_the_bus_use_its_key(self, by_service: Mapping[str, str]) -> None:
        """EventBridge says for whom it asks when it seals its archive, and does not when it sends to a sealed queue;
        whose messages a queue takes, the queue's own policy says.
        """
        bus = iam.ServicePrincipal("events.amazonaws.com")
        sending = ["kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKey"]
        keeping = ["kms:ReEncryptFrom", "kms:ReEncryptTo"]
        for actions, conditions in ((sending, None), (keeping, {"StringEquals": by_service})):
            self.ops_key.add_to_resource_policy(
                iam.PolicyStatement(principals=[bus], actions=actions, resources=["*"], conditions=conditions)
            )

    def _secret(self, name: str, path: str, description: str) -> secretsmanager.Secret:
        """Letters and digits only: it stands in URLs and in the cache's own settings."""
        return secretsmanager.Secret(
            self,
            name,
            secret_name=f"{self.deployment.name}/{path}",
            description=description,
            encryption_key=self.ops_key,
            generate_secret_string=secretsmanager.SecretStringGenerator(exclude_punctuation=True, password_length=48),
            removal_policy=self.deployment.removal,
        )

    def _sign_in(self) -> tuple[cognito.UserPool, cognito.UserPoolClient]:
        pool = cognito.UserPool(
            self,
            "People",
            user_pool_name=self.deployment.name,
            sign_in_aliases=cognito.SignInAliases(email=True),
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            self_sign_up_enabled=False,
            password_policy=cognito.PasswordPolicy(
                min_length=14, require_digits=True, require_lowercase=True, require_uppercase=True, require_symbols=True
            ),
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            feature_plan=cognito.FeaturePlan.PLUS,
            standard_threat_protection_mode=cognito.StandardThreatProtectionMode.FULL_FUNCTION,
            deletion_protection=self.deployment.keeps_data,
            removal_policy=self.deployment.removal,
        )
        pool.add_domain(
            "Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=self.deployment.sign_in_prefix)
        )
        client = pool.add_client(
            "Web",
            generate_secret=False,
            auth_flows=cognito.AuthFlow(user_srp=True),
            prevent_user_existence_errors=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL, cognito.OAuthScope.PROFILE],
                callback_urls=[f"{self.deployment.public_url}/"],
                logout_urls=[f"{self.deployment.public_url}/"],
            ),
        )
        return pool, client

    def _deploy_role(self) -> iam.Role:
        """What GitHub becomes for one run in this environment: it may become CDK's roles, and run the migrations."""
        provider = iam.OidcProviderNative(self, "GitHub", url=_GITHUB, client_ids=["sts.amazonaws.com"])
        claim = _GITHUB.removeprefix("https://")
        subject = f"repo:{self.deployment.repository}:environment:{self.deployment.environment}"
        role = iam.Role(
            self,
            "Deploy",
            role_name=f"{self.deployment.name}-deploy",
            max_session_duration=aws.Duration.hours(1),
            assumed_by=iam.WebIdentityPrincipal(
                provider.oidc_provider_arn,
                {"StringEquals": {f"{claim}:aud": "sts.amazonaws.com", f"{claim}:sub": subject}},
            ),
        )
        for statement in self._after_a_deploy():
            role.add_to_policy(statement)
        account = self.deployment.account
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                resources=[
                    f"arn:aws:iam::{account}:role/{_BOOTSTRAP}-{purpose}-role-{account}-{region}"
                    for purpose in _MAY_ASSUME
                    for region in sorted({self.deployment.region, "us-east-1"})
                ],
            )
        )
        return role

    def _after_a_deploy(self) -> tuple[iam.PolicyStatement, ...]:
        """To bring the page's files, to run one task with the roles that were made for it, and to wait for it."""
        deployment, name = self.deployment, self.deployment.name
        stacks = [deployment.arn("cloudformation", f"stack/{name}-{stack}/*") for stack in ("api", "storage")]
        page = f"arn:aws:s3:::{deployment.page_bucket}"
        migration = deployment.arn("ecs", f"task-definition/{name}-migrate:*")
        return (
            iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=stacks),
            iam.PolicyStatement(actions=["s3:ListBucket", "s3:PutObject"], resources=[page, f"{page}/assets/*"]),
            iam.PolicyStatement(actions=["kms:GenerateDataKey"], resources=[self.data_key.key_arn]),
            iam.PolicyStatement(actions=["ecs:RunTask"], resources=[migration]),
            iam.PolicyStatement(actions=["ecs:DescribeTasks"], resources=[deployment.arn("ecs", f"task/{name}/*")]),
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[f"arn:aws:iam::{deployment.account}:role/{name}-api-Migration*"],
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
        )
