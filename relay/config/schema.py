"""
The operator's words: every key of the configuration, its default and what it means.

`config/relay.toml` and the error messages follow these classes.  Models are frozen; unknown keys are faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializeAsAny,
    ValidationInfo,
    WrapValidator,
    field_serializer,
    field_validator,
)
from pydantic_core import PydanticCustomError

from relay.config import checked
from relay.config.checked import ListenAddress
from relay.config.client_certificate import ClientCertificateConfig
from relay.config.endpoint_schema import EndpointConfig
from relay.config.id_key import decode_id_key
from relay.config.secrets import Secret
from relay.config.secrets_key import decode_secrets_key
from relay.config.section import Id, List, Section, Url

UNKNOWN_KIND: Final = "source_kind"
MAX_BACK_DAYS: Final = 400  # as long as the journal keeps legs and calls
TOPIC_PATTERN: Final = r"^[A-Za-z0-9._-]{1,100}$"

Listen = Annotated[ListenAddress, PlainValidator(checked.listen_address), PlainSerializer(str)]
ProxyAddress = Annotated[ListenAddress, PlainValidator(checked.proxy_address), PlainSerializer(str)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(checked.network)], ...], List]
LogLevel = Literal["debug", "info", "warning", "error"]
PublishFrom = Annotated[
    Literal["now", "lookback"] | datetime, PlainValidator(checked.publish_from), PlainSerializer(str)
]


class ApiKeyConfig(Section):
    """
    A key of the REST API.
    """

    name: Id = Field(description="Whose key it is, [a-z0-9-]{1,40}.")
    key: Secret = Field(description="The key: 16 characters or more, sent as `Authorization: Bearer KEY`.")
    scopes: Annotated[
        tuple[Annotated[str, AfterValidator(checked.scope)], ...], List, AfterValidator(checked.not_empty)
    ] = Field(description='What it may do: "*", "endpoints:*", "events:read", …')

    number_checks: Literal["off", "validity", "hlr"] = Field(
        default="off",
        description="Checks of numbers of leads it adds: off, validity (by the numbering plans), hlr too.",
    )

    @field_validator("key")
    @classmethod
    def _can_be_sent(cls, key: Secret) -> Secret:
        checked.api_key(key.reveal())
        return key


class ServerConfig(Section):
    """
    What relay listens on.
    """

    # Before `listen`, which is checked against them.
    api_keys: Annotated[tuple[ApiKeyConfig, ...], Field(strict=False, max_length=100)] = Field(
        default=(), description="Keys of the REST API; without any, only this machine may ask."
    )
    listen: Listen = Field(
        default=ListenAddress("127.0.0.1", 8080), description="REST, console, event stream."
    )
    ops_listen: Listen = Field(
        default=ListenAddress("127.0.0.1", 9464), description="/metrics, /livez and /readyz."
    )
    hooks_listen: Listen | None = Field(
        default=None, description="Only /hooks, for phone systems that push. Left out: on `listen` alone."
    )
    shutdown_grace_s: float = Field(
        default=20.0,
        ge=0,
        le=600,
        description="How long deliveries in flight may take to finish after SIGTERM.",
    )

    @field_validator("api_keys")
    @classmethod
    def _are_of_one_owner_each(cls, api_keys: tuple[ApiKeyConfig, ...]) -> tuple[ApiKeyConfig, ...]:
        for name, values in {
            "name": [key.name for key in api_keys],
            "key": [key.key.reveal() for key in api_keys],
        }.items():
            if len(set(values)) < len(values):
                raise ValueError(f"two of them have the same {name}")
        return api_keys

    @field_validator("listen")
    @classmethod
    def _is_loopback_without_keys(cls, listen: ListenAddress, info: ValidationInfo) -> ListenAddress:
        if not listen.is_loopback and info.data.get("api_keys") == ():
            raise ValueError(
                "must be localhost, 127.0.0.1 or [::1] as long as there are no server.api_keys:"
                " without keys everyone who reaches relay may do everything"
            )
        return listen


class JournalConfig(Section):
    """
    The durable store.
    """

    url: Annotated[str, AfterValidator(checked.journal_url)] = Field(
        default="sqlite:///relay.db",
        repr=False,
        description="sqlite:///PATH (relative to the working folder) or postgresql://USER:PASSWORD@HOST/DATABASE.",
    )
    id_key: Secret | None = Field(
        default=None,
        description="Secret that ids follow from: text of 16 to 64 bytes, or hex: and the digits of as many."
        " Left out: made once, in the journal.",
    )

    secrets_key: Secret | None = Field(
        default=None,
        description="What secrets of endpoints are sealed with in the journal: text of 32 bytes, or hex: and"
        " the digits of as many. Left out: made once, in a file beside the journal.",
    )

    @field_validator("secrets_key")
    @classmethod
    def _can_seal(cls, secrets_key: Secret | None) -> Secret | None:
        if secrets_key is not None:
            decode_secrets_key(secrets_key.reveal())
        return secrets_key

    @field_validator("id_key")
    @classmethod
    def _can_be_decoded(cls, id_key: Secret | None) -> Secret | None:
        if id_key is not None:
            decode_id_key(id_key.reveal())
        return id_key

    @field_serializer("url")
    def _shown_url(self, url: str) -> str:
        return checked.without_password(url)


def _topic_prefix(validated: Mapping[str, Any]) -> str:
    return str(validated["topic_prefix"])


class KafkaConfig(Section):
    """
    Where events are published; leave the table out for no Kafka.
    """

    bootstrap_servers: Annotated[str, AfterValidator(checked.bootstrap_servers)] = Field(
        description="HOST:PORT of one or more brokers, separated by commas."
    )
    topic_prefix: Annotated[str, Field(pattern=TOPIC_PATTERN)] = Field(
        default="relay", description="First part of every topic's name."
    )
    deployment: Annotated[str, Field(pattern=TOPIC_PATTERN)] = Field(
        default_factory=_topic_prefix,
        description="Part of the transactional id; one for each journal. Left out: as topic_prefix.",
    )
    create_topics: bool = Field(default=False, description="Create missing topics, with 6 partitions.")
    compression: Literal["none", "zstd"] = Field(default="zstd", description="none or zstd.")
    replication_factor: int | None = Field(
        default=None,
        ge=1,
        le=32_767,
        description="Of the topics relay creates. Left out: the broker's default.",
    )


class HlrConfig(Section):
    """
    The provider that looks up numbers of leads (docs/hlr.md); leave the table out for none.
    """

    url: Url = Field(description="Where numbers are looked up.")
    token: Secret = Field(description="Sent as `Authorization: Bearer TOKEN`.")
    method: Literal["GET", "POST"] = Field(
        default="GET", description="GET with ?number=, or POST with a form: keeps numbers out of access logs."
    )
    timeout_s: float = Field(
        default=5.0, gt=0, le=30, description="Total time of one look-up; then it is unknown."
    )
    on_unreachable: Literal["accept", "reject"] = Field(
        default="reject", description="What becomes of a lead whose phone the network does not reach."
    )
    on_unknown: Literal["accept", "reject"] = Field(
        default="accept", description="What becomes of a lead whose number could not be looked up."
    )

    @field_validator("token")
    @classmethod
    def _can_be_sent(cls, token: Secret) -> Secret:
        checked.header_text(token.reveal())
        return token


class WebhooksConfig(Section):
    """
    What all endpoints have in common.
    """

    allow_private: Networks = Field(
        default=(), description='Networks an endpoint may be in besides public ones, e.g. ["10.1.0.0/16"].'
    )
    deny: Networks = Field(
        default=(),
        description="Networks no endpoint may be in, public ones too (a NAT64 prefix of your own); wins over"
        " allow_private.",
    )
    proxy: ProxyAddress | None = Field(
        default=None,
        description="http://HOST:PORT of an egress proxy: every endpoint is reached through it, by CONNECT to"
        " the address that relay vetted. Left out: straight.",
    )
    proxy_user: Annotated[str, Field(pattern=r"^[^:\x00-\x1f\x7f]{0,200}$")] = Field(
        default="", description="User that the proxy knows relay by; empty: none."
    )
    proxy_password: Secret | None = Field(default=None, description="That user's password.")
    client_certificates: Annotated[tuple[ClientCertificateConfig, ...], List] = Field(
        default=(), description="Certificates that endpoints may name to have relay show them (mutual TLS)."
    )

    @field_validator("proxy_user")
    @classmethod
    def _is_told_to_a_proxy(cls, proxy_user: str, info: ValidationInfo) -> str:
        if proxy_user and info.data.get("proxy", ...) is None:
            raise ValueError("needs webhooks.proxy")
        return proxy_user

    @field_validator("proxy_password")
    @classmethod
    def _is_some_users(cls, proxy_password: Secret | None, info: ValidationInfo) -> Secret | None:
        if proxy_password is not None and info.data.get("proxy_user", ...) == "":
            raise ValueError("needs webhooks.proxy_user")
        return proxy_password

    @field_validator("client_certificates")
    @classmethod
    def _have_a_name_each(
        cls, certificates: tuple[ClientCertificateConfig, ...]
    ) -> tuple[ClientCertificateConfig, ...]:
        if len({one.name for one in certificates}) < len(certificates):
            raise ValueError("two of them have the same name")
        return certificates

    origin: Annotated[str, AfterValidator(checked.dns_name)] | None = Field(
        default=None,
        description="DNS name by which relay asks receivers for consent. Left out: this machine's name.",
    )


class LogConfig(Section):
    """
    JSON lines on the standard error stream.
    """

    level: LogLevel = Field(default="info", description="debug, info, warning or error.")


class SourceConfig(Section):
    """
    One account of one phone system; each kind has its own class with more keys.
    """

    id: Id = Field(description="Name of the account, [a-z0-9-]{1,40}; part of every event, never reused.")
    kind: str = Field(description="Kind of phone system.")
    timezone: Annotated[str, AfterValidator(checked.time_zone)] = Field(
        description="IANA time zone of the times that the phone system writes without an offset."
    )
    country: Annotated[str, AfterValidator(checked.country)] = Field(
        description="ISO 3166 alpha-2 country of the numbers that have no country code."
    )
    publish_from: PublishFrom = Field(
        default="now",
        description='Calls ended before it are silent: "now", "lookback" or a time; fixed at first start.',
    )
    lookback_s: int = Field(
        default=14_400, ge=60, le=31 * 86_400, description="How far back each poll reads again."
    )
    link_window_s: int = Field(
        default=10,
        ge=0,
        le=3_600,
        description="How long after a negative end every stream must have been read.",
    )
    end_hold_s: int = Field(
        default=120, ge=0, le=86_400, description="How long a negative end may wait for that."
    )
    request_timeout_s: float = Field(default=30.0, gt=0, le=300, description="Total time of one request.")
    reconcile_days: Annotated[
        tuple[Annotated[int, Field(ge=1, le=MAX_BACK_DAYS)], ...],
        Field(strict=False, max_length=10),
        AfterValidator(checked.each_once),
    ] = Field(
        default=(2, 7), description="Days read again each night, by how many days ago they were; [] for none."
    )
    reconcile_hour: int = Field(
        default=3, ge=0, le=23, description="The hour at which that begins, in the source's zone."
    )
    hook_token: Secret | None = Field(
        default=None,
        description="Lets it push to /hooks/ID: 16 characters or more, in `X-Pbx-Token` or as `?token=`."
        " Left out: no pushes.",
    )

    @field_validator("hook_token")
    @classmethod
    def _can_be_sent(cls, hook_token: Secret | None) -> Secret | None:
        if hook_token is not None:
            checked.api_key(hook_token.reveal())
        return hook_token

    def publish_from_at(self, now: datetime) -> datetime:
        """
        Resolve `publish_from` to an instant, for the source's first start.
        """
        if isinstance(self.publish_from, datetime):
            return self.publish_from
        return now if self.publish_from == "now" else now - timedelta(seconds=self.lookback_s)


def _of_its_kind(given: object, _handler: object, info: ValidationInfo) -> SourceConfig:
    if isinstance(given, SourceConfig):
        return given
    if not isinstance(given, dict):
        raise PydanticCustomError("source_shape", "must be a table")
    kinds: Mapping[str, type[SourceConfig]] = (info.context or {}).get("source_kinds", {})
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        words = {"known": ", ".join(sorted(kinds)), "kind": str(kind)}
        problem = "is required" if kind is None else "`{kind}` is unknown"
        raise PydanticCustomError(UNKNOWN_KIND, problem + "; known kinds: {known}", words)
    return kinds[kind].model_validate(given, context=info.context)


AnySource = SerializeAsAny[Annotated[SourceConfig, WrapValidator(_of_its_kind)]]


class RelayConfig(Section):
    """
    The whole configuration.
    """

    server: ServerConfig = ServerConfig()
    journal: JournalConfig = JournalConfig()
    kafka: KafkaConfig | None = None
    webhooks: WebhooksConfig = WebhooksConfig()
    hlr: HlrConfig | None = None
    log: LogConfig = LogConfig()
    sources: Annotated[tuple[AnySource, ...], List] = ()
    endpoints: Annotated[tuple[EndpointConfig, ...], List] = ()
