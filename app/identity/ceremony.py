"""WebAuthn as bytes and JSON, over py_webauthn, which is slow to import: each function takes it when called."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

RP_NAME = "Quittance"


class Unproven(Exception):
    """The browser's answer cannot be read, or does not prove what it should."""


@dataclass(frozen=True, slots=True)
class Site:
    """What passkeys are bound to: a name (`rp_id`) and the origin the browser has to say it shows."""

    rp_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser sent: not proved yet. `user_handle`: the account the device made the passkey for."""

    challenge: bytes
    credential_id: bytes
    user_handle: bytes | None = None
    transports: list[str] = field(default_factory=list)
    parsed: Any = None


@dataclass(frozen=True, slots=True)
class Made:
    """A new passkey that proved itself."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


def site_of(base_url: str) -> Site | None:
    """None for an address passkeys cannot be bound to. A loopback address stands for "localhost"."""
    parts = urlsplit(base_url)
    host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    try:
        if not ip_address(host).is_loopback:
            return None
        host = "localhost"
    except ValueError:
        pass
    if parts.scheme != "https" and host != "localhost":
        return None
    return Site(host, f"{parts.scheme}://{host}{port}")


def digest(challenge: bytes) -> str:
    """As challenges are kept."""
    return hashlib.sha256(challenge).hexdigest()


def options_to_make(
    here: Site, user_id: bytes, user_name: str, display_name: str, known: Sequence[bytes]
) -> tuple[bytes, str]:
    """(challenge, JSON for the browser): a passkey its device finds by itself and unlocks for its owner only."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=here.rp_id,
        rp_name=RP_NAME,
        user_id=user_id,
        user_name=user_name,
        user_display_name=display_name,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=one) for one in known],
    )
    return options.challenge, webauthn.options_to_json(options)


def options_to_sign(here: Site, allowed: Sequence[bytes]) -> tuple[bytes, str]:
    """(challenge, JSON for the browser). Nothing in `allowed`: any passkey of this site."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_authentication_options(
        rp_id=here.rp_id,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
        allow_credentials=[structs.PublicKeyCredentialDescriptor(id=one) for one in allowed],
    )
    return options.challenge, webauthn.options_to_json(options)


def read_made(text: str) -> Answer:
    """Raises Unproven."""
    from webauthn import helpers
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        sent = helpers.parse_registration_credential_json(text)
        client = helpers.parse_client_data_json(sent.response.client_data_json)
    except (WebAuthnException, ValueError) as unread:
        raise Unproven from unread
    transports = [one.value for one in sent.response.transports or ()]
    return Answer(client.challenge, sent.raw_id, transports=transports, parsed=sent)


def read_signed(text: str) -> Answer:
    """Raises Unproven."""
    from webauthn import helpers
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        sent = helpers.parse_authentication_credential_json(text)
        client = helpers.parse_client_data_json(sent.response.client_data_json)
    except (WebAuthnException, ValueError) as unread:
        raise Unproven from unread
    return Answer(client.challenge, sent.raw_id, sent.response.user_handle, parsed=sent)


def check_made(here: Site, answer: Answer) -> Made:
    """The caller has used up the challenge. Raises Unproven."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        made = webauthn.verify_registration_response(
            credential=answer.parsed,
            expected_challenge=answer.challenge,
            expected_rp_id=here.rp_id,
            expected_origin=here.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError) as wrong:
        raise Unproven from wrong
    return Made(made.credential_id, made.credential_public_key, made.sign_count)


def check_signed(here: Site, answer: Answer, public_key: bytes) -> int:
    """The device's counter; the caller compares it with the last one and has used up the challenge. Raises Unproven."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        return webauthn.verify_authentication_response(
            credential=answer.parsed,
            expected_challenge=answer.challenge,
            expected_rp_id=here.rp_id,
            expected_origin=here.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,  # a right signature with an old count is a clone, and told apart
            require_user_verification=True,
        ).new_sign_count
    except (WebAuthnException, ValueError) as wrong:
        raise Unproven from wrong
