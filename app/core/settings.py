"""Settings from the environment, read once. Defaults suit the embedded demo; production sets the URLs and keys."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """`mode` is sandbox or live (decision 17). Paths are absolute; URLs carry their secrets and never reach logs."""

    mode: str
    database_url: str
    redis_url: str
    base_url: str
    data_dir: Path
    files_url: str
    secret_key: str
    encryption_key: str
    encryption_keys_old: tuple[str, ...]
    smtp_url: str
    mail_from: str
    simulator_url: str
    log_format: str
    trusted_proxies: int
    seal_p12_file: str = ""
    seal_p12_password: str = field(default="", repr=False)
    require_second_factor: bool = False
    provider_orgs: bool = True
    calcom_webhook_secret: str = field(default="", repr=False)
    calcom_api_key: str = field(default="", repr=False)
    calcom_url: str = ""
    video_url: str = ""
    stripe_secret_key: str = field(default="", repr=False)
    stripe_publishable_key: str = ""
    stripe_webhook_secret: str = field(default="", repr=False)
    stripe_url: str = ""
    stripe_js_url: str = ""
    calcom_embed_url: str = ""
    providers: Mapping[str, str] = field(default_factory=dict, repr=False)  # settings of rails, by their names
    write_off_limit: int = 100

    @property
    def sandbox(self) -> bool:
        return self.mode == "sandbox"

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")


_OF_RAILS = ("STRIPE_", "PAYPAL_", "VENMO_", "MPESA_", "RAZORPAYX_")


class MissingSetting(RuntimeError):
    """Live mode refuses to start on demo defaults."""


def _demo_secret(data_dir: Path, name: str) -> str:
    """A random secret kept in the data folder, so that a second start can read what the first one sealed."""
    path = data_dir / "secrets" / name
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(os.urandom(32).hex())
        temporary.chmod(0o600)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)  # first writer wins
        temporary.unlink()
    return path.read_text().strip()


def _switch(env: dict[str, str], name: str, *, default: bool) -> bool:
    """Raises MissingSetting for anything but on and off."""
    value = env.get(name, "").lower()
    if value not in ("", "on", "off", "true", "false"):
        raise MissingSetting(f"{name} is on or off")
    return default if not value else value in ("on", "true")


def load(environ: dict[str, str] | None = None) -> Settings:
    """Read settings from `environ` (default: the process). Raises MissingSetting in live mode without real secrets."""
    env = dict(os.environ) if environ is None else environ
    mode = env.get("QUITTANCE_MODE", "sandbox")
    if mode not in ("sandbox", "live"):
        raise MissingSetting("QUITTANCE_MODE is sandbox or live")
    data_dir = Path(env.get("DATA_DIR") or "var").resolve()

    def secret(name: str) -> str:
        value = env.get(name, "")
        if value:
            return value
        if mode == "live":
            raise MissingSetting(f"{name} must be set")
        return _demo_secret(data_dir, name.lower())

    return Settings(
        mode=mode,
        database_url=env.get("DATABASE_URL", ""),
        redis_url=env.get("REDIS_URL", ""),
        base_url=env.get("BASE_URL", "http://127.0.0.1:8000").rstrip("/"),
        data_dir=data_dir,
        files_url=env.get("FILES_URL") or (data_dir / "files").as_uri(),
        secret_key=secret("SECRET_KEY"),
        encryption_key=secret("PAYOUT_ENCRYPTION_KEY"),
        encryption_keys_old=tuple(k for k in env.get("PAYOUT_ENCRYPTION_KEYS_OLD", "").split(",") if k),
        smtp_url=env.get("SMTP_URL", ""),
        mail_from=env.get("MAIL_FROM", "Quittance <no-reply@quittance.test>"),
        simulator_url=env.get("SIMULATOR_URL", ""),
        log_format=env.get("LOG_FORMAT", "json"),
        trusted_proxies=int(env.get("TRUSTED_PROXIES", "0")),
        seal_p12_file=env.get("SEAL_P12_FILE", ""),
        seal_p12_password=env.get("SEAL_P12_PASSWORD", ""),
        calcom_webhook_secret=env.get("CALCOM_WEBHOOK_SECRET", ""),
        calcom_api_key=env.get("CALCOM_API_KEY", ""),
        stripe_secret_key=env.get("STRIPE_SECRET_KEY", ""),
        stripe_publishable_key=env.get("STRIPE_PUBLISHABLE_KEY", ""),
        stripe_webhook_secret=env.get("STRIPE_WEBHOOK_SECRET", ""),
        stripe_url=env.get("STRIPE_URL", "https://api.stripe.com").rstrip("/"),
        stripe_js_url=env.get("STRIPE_JS_URL", "https://js.stripe.com/v3/"),
        calcom_embed_url=env.get("CALCOM_EMBED_URL", ""),
        calcom_url=env.get("CALCOM_URL", "https://api.cal.com").rstrip("/"),
        providers={name: value for name, value in env.items() if name.startswith(_OF_RAILS) and value},
        video_url=env.get("VIDEO_URL", "https://meet.jit.si").rstrip("/"),
        write_off_limit=int(env.get("WRITE_OFF_LIMIT") or "100"),
        provider_orgs=_switch(env, "ENABLE_PROVIDER_ORGS", default=True),
        require_second_factor=_switch(env, "REQUIRE_SECOND_FACTOR", default=mode == "live"),
    )


@cache
def settings() -> Settings:
    return load()
