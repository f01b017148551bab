"""Mints the tokens of tests/tokens with implementations that share no code
with Doorward: jwcrypto and joserfc those that must be accepted, and
pyca/cryptography (OpenSSL) the signatures of the forged ones.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python mint.py

It reads keys.json (private keys and secrets, for tests only), which it makes
where it is not there, and writes jwks-*.json and minted.json. No test runs
it: what it wrote is committed, and no token of it expires before 2100. When
it has been run again, remove fuzz/corpus/token: tokens of before verify too,
which the fuzz target would take for forged.
"""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric import utils
from joserfc import jwk as joserfc_jwk
from joserfc import jws as joserfc_jws
from jwcrypto import jws

from signing import (
    FOLDER, FOREVER, GOOD, ISSUER, KEY, b64, claims, native, public, raw_claims, text, token,
    unb64, unsigned, with_claims, with_header, with_mac,
)

# The order of P-256's base point and its field's prime (SEC 2, section 2.4.2).
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_PRIME = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
# The order of Ed25519's base point (RFC 8032, section 5.1).
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493

# The keys of each issuer's set.
SETS = {
    "issuer": [
        "rsa", "rsa-ps256", "rsa-e3", "rsa-encrypts", "rsa-signs",
        "p256", "p384", "p521", "ed25519", "secp256k1",
    ],
    "partner": ["partner"],
    "old": ["rsa-1024"],
}

TOKENS = {}


def accepted():
    algorithms = {
        "RS256": "rsa", "RS384": "rsa", "RS512": "rsa",
        "PS256": "rsa-ps256", "PS384": "rsa", "PS512": "rsa",
        "ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed25519",
    }
    issuers = {f"HS{size}": f"https://hs{size}.example" for size in ("256", "384", "512")}
    for alg, kid in {**algorithms, **{f"HS{s}": f"secret-{s}" for s in ("256", "384", "512")}}.items():
        header = {"alg": alg, "kid": kid, "typ": "JWT"}
        payload = claims(iss=issuers.get(alg, ISSUER), jti=alg)
        made = jws.JWS(text(payload).encode())
        made.allowed_algs = [alg]
        made.add_signature(KEY[kid], protected=text(header))
        TOKENS[f"jwcrypto-{alg}"] = made.serialize(compact=True)
        key = joserfc_jwk.import_key(json.loads(KEY[kid].export()))
        registry = joserfc_jws.JWSRegistry(algorithms=[alg])
        TOKENS[f"joserfc-{alg}"] = joserfc_jws.serialize_compact(
            header, text(payload), key, registry=registry
        )
    TOKENS["good"] = token()
    TOKENS["no-kid"] = token(header={"alg": "ES256"}, kid="p256", alg="ES256")
    TOKENS["several-audiences"] = with_claims(aud=["billing", "orders"])
    TOKENS["fractional-times"] = with_claims(exp=FOREVER + 0.5, iat=1700000000.25)
    TOKENS["unknown-parameters"] = with_header(
        jku="https://evil.example/jwks", x5u="https://evil.example/cert", x5c=["AA"],
        jwk=public("stranger-rsa"), zip="DEF", nonce=[1], x=None,
    )
    # (r, -s) is a signature wherever (r, s) is one.
    TOKENS["other-s"] = token(kid="p256", alg="ES256", signature=lambda raw: raw[:32] + (
        P256_ORDER - int.from_bytes(raw[32:], "big")
    ).to_bytes(32, "big"))


def forms():
    header, payload, signature = token().split(".")
    whole = f"{header}.{payload}.{signature}"
    rows = {
        "one-part": header,
        "two-parts": f"{header}.{payload}",
        "four-parts": f"{whole}.{signature}",
        "five-parts": f"{header}.{b64(b'key')}.{b64(b'iv')}.{payload}.{signature}",
        "leading-dot": f".{whole}",
        "trailing-dot": f"{whole}.",
        "two-joined": f"{whole},{whole}",
        "json-flattened": json.dumps(
            {"protected": header, "payload": payload, "signature": signature}
        ),
        "json-general": json.dumps(
            {"payload": payload, "signatures": [{"protected": header, "signature": signature}]}
        ),
        "quoted": f'"{whole}"',
        "space-inside": f"{header}. {payload}.{signature}",
        "padded-header": f"{header}=.{payload}.{signature}",
        "padded-payload": f"{header}.{payload}=.{signature}",
        "padded-signature": f"{whole}==",
        "stray-bits": f"{whole[:-1]}{'B' if whole[-1] == 'A' else chr(ord(whole[-1]) + 1)}",
        "one-character-more": f"{whole}AAA",
        "percent-encoded": whole.replace(".", "%2E", 1),
        "standard-alphabet": f"{header}.{payload}."
        + base64.b64encode(b"\xfb\xff" * 128).decode().rstrip("="),
        "too-large": with_claims(note="x" * 13000),
    }
    TOKENS.update(rows)


def headers():
    good = '"alg":"RS256","kid":"rsa"'
    rows = {
        "alg-twice": f'{{"alg":"none",{good}}}',
        "alg-twice-escaped": f'{{{good},"\\u0061lg":"none"}}',
        "kid-twice": f'{{{good},"kid":"rsa"}}',
        "unknown-twice": f'{{{good},"x":{{"a":1,"a":2}}}}',
        "header-array": '["RS256"]',
        "header-text": '"RS256"',
        "header-empty": "",
        "header-not-json": f"{{{good}",
        "header-goes-on": f"{{{good}}}{{}}",
        "header-byte-order-mark": f"\ufeff{{{good}}}",
        "header-not-utf8": b'{"alg":"RS256","kid":"rsa","x":"\xff"}',
        "header-deep": f'{{{good},"x":{"[" * 60}{"]" * 60}}}',
        "header-number-too-large": f'{{{good},"x":1e999}}',
        "alg-missing": '{"kid":"rsa"}',
        "alg-null": '{"alg":null,"kid":"rsa"}',
        "alg-number": '{"alg":256,"kid":"rsa"}',
        "alg-array": '{"alg":["RS256"],"kid":"rsa"}',
        "kid-number": '{"alg":"RS256","kid":1}',
        "kid-null": '{"alg":"RS256","kid":null}',
        "kid-object": '{"alg":"RS256","kid":{"kid":"rsa"}}',
        "crit-unknown": f'{{{good},"crit":["x"],"x":1}}',
        "crit-empty": f'{{{good},"crit":[]}}',
        "crit-null": f'{{{good},"crit":null}}',
        "crit-of-a-known-one": f'{{{good},"crit":["exp"],"exp":{FOREVER}}}',
        "b64-false": f'{{{good},"b64":false,"crit":["b64"]}}',
        "b64-without-crit": f'{{{good},"b64":false}}',
        "b64-true": f'{{{good},"b64":true}}',
    }
    for name, header in rows.items():
        TOKENS[name] = token(header=header)


def algorithms():
    for name in ("none", "None", "NONE", "nOnE"):
        TOKENS[f"alg-{name}"] = unsigned({"alg": name, "kid": "rsa"})
    TOKENS["alg-none-signed"] = token(header={"alg": "none", "kid": "rsa"})
    for name in (
        "", "rs256", "RS256 ", " RS256", "RS1", "RS2048", "ES256K", "Ed25519", "Ed448",
        "RSA-OAEP", "A128KW", "dir",
    ):
        slug = name.strip().lower() + ("-space" if name != name.strip() else "")
        slug = ("space-" + name.strip().lower()) if name.startswith(" ") else slug
        TOKENS[f"alg-is-{slug or 'empty'}"] = token(header={"alg": name, "kid": "rsa"})
    TOKENS["alg-es256k"] = token(
        header={"alg": "ES256K", "kid": "secp256k1"}, kid="secp256k1", alg="ES256"
    )
    rsa = KEY["rsa"]
    secrets = {
        "pem": rsa.export_to_pem(),
        "pem-without-newline": rsa.export_to_pem().strip(),
        "jwk": text(public("rsa")).encode(),
        "modulus": unb64(public("rsa")["n"]),
        "modulus-text": public("rsa")["n"].encode(),
        "nothing": b"",
    }
    for name, secret in secrets.items():
        TOKENS[f"hs256-by-{name}"] = with_mac({"alg": "HS256", "kid": "rsa"}, secret)
    TOKENS["hs512-by-pem"] = with_mac({"alg": "HS512", "kid": "rsa"}, rsa.export_to_pem())
    TOKENS["hs256-by-ec-point"] = with_mac(
        {"alg": "HS256", "kid": "p256"}, unb64(public("p256")["x"])
    )
    TOKENS["hs256-by-ed25519"] = with_mac(
        {"alg": "HS256", "kid": "ed25519"}, unb64(public("ed25519")["x"])
    )


def which_key():
    rows = {
        "kid-unknown": ("stranger", "stranger-rsa", "RS256"),
        "kid-empty": ("", "rsa", "RS256"),
        "kid-in-capitals": ("RSA", "rsa", "RS256"),
        "kid-with-space": ("rsa ", "rsa", "RS256"),
        "kid-a-path": ("../../../dev/null", "rsa", "RS256"),
        "kid-a-query": ("rsa' OR '1'='1", "rsa", "RS256"),
        "kid-of-an-encryption-key": ("rsa-encrypts", "rsa-encrypts", "RS256"),
        "kid-of-a-key-that-only-signs": ("rsa-signs", "rsa-signs", "RS256"),
        "kid-of-another-curve": ("secp256k1", "p256", "ES256"),
        "kid-of-another-issuer": ("partner", "partner", "ES256"),
        "rs256-with-an-ec-key": ("p256", "rsa", "RS256"),
        "rs256-with-an-ed25519-key": ("ed25519", "rsa", "RS256"),
        "es256-with-an-rsa-key": ("rsa", "p256", "ES256"),
        "es256-with-p384": ("p384", "p384", "ES256"),
        "es384-with-p256": ("p256", "p256", "ES384"),
        "eddsa-with-an-rsa-key": ("rsa", "ed25519", "EdDSA"),
        "rs256-with-a-key-for-ps256": ("rsa-ps256", "rsa-ps256", "RS256"),
        "ps512-with-a-key-for-ps256": ("rsa-ps256", "rsa-ps256", "PS512"),
        "rsa-by-a-stranger": ("rsa", "stranger-rsa", "RS256"),
        "ps256-by-a-stranger": ("rsa-ps256", "stranger-rsa", "PS256"),
        "es256-by-a-stranger": ("p256", "stranger-p256", "ES256"),
        "eddsa-by-a-stranger": ("ed25519", "stranger-ed25519", "EdDSA"),
        "rsa-by-the-other-key": ("rsa", "rsa-e3", "RS256"),
    }
    for name, (named, kid, alg) in rows.items():
        TOKENS[name] = token(header={"alg": alg, "kid": named}, kid=kid, alg=alg)
    stranger = public("stranger-rsa")
    brought = {
        "brings-its-key": {"jwk": {**stranger, "kid": "rsa"}},
        "brings-its-key-url": {"jku": "https://evil.example/jwks"},
        "brings-its-certificate": {"x5c": [base64.b64encode(b"certificate").decode()]},
        "brings-its-certificate-url": {"x5u": "https://evil.example/cert"},
    }
    for name, more in brought.items():
        TOKENS[name] = token(header={"alg": "RS256", "kid": "rsa", **more}, kid="stranger-rsa")
    TOKENS["brings-its-key-alone"] = token(
        header={"alg": "RS256", "jwk": stranger}, kid="stranger-rsa"
    )


def cube_root(number):
    low, high = 0, 1 << (number.bit_length() // 3 + 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**3 < number else (low, middle)
    return low


def low_exponent():
    """Bleichenbacher's forgery of 2006: a cube with a good beginning."""
    header = {"alg": "RS256", "kid": "rsa-e3"}
    message = f"{b64(text(header))}.{b64(text(GOOD))}"
    info = bytes.fromhex("3031300d060960864801650304020105000420")
    digest = hashlib.sha256(message.encode()).digest()
    start = b"\0\1" + b"\xff" * 8 + b"\0" + info + digest
    root = cube_root(int.from_bytes(start.ljust(256, b"\0"), "big"))
    assert (root**3).to_bytes(256, "big").startswith(start)
    return f"{message}.{b64(root.to_bytes(256, 'big'))}"


def bad_padding(change):
    """RS256 whose padded message is another than RFC 8017 section 9.2 has."""

    def forge(_signed, message):
        numbers = native("rsa").private_numbers()
        info = bytes.fromhex("3031300d060960864801650304020105000420")
        digest = hashlib.sha256(message).digest()
        padded = change(info, digest)
        assert len(padded) == 256
        number = pow(int.from_bytes(padded, "big"), numbers.d, numbers.public_numbers.n)
        return number.to_bytes(256, "big")

    message = f"{b64(text({'alg': 'RS256', 'kid': 'rsa'}))}.{b64(text(GOOD))}"
    return f"{message}.{b64(forge(None, message.encode()))}"


def filled(tail, kind=1, fill=b"\xff"):
    return b"\0" + bytes([kind]) + fill * (253 - len(tail)) + b"\0" + tail


def signatures():
    # One of them begins with a zero byte now and then: it is sought for.
    def short_one(nonce=0):
        while True:
            made = with_claims(jti=str(nonce))
            message, signature = made.rsplit(".", 1)
            if unb64(signature)[0] == 0:
                return f"{message}.{b64(unb64(signature)[1:])}"
            nonce += 1

    modulus = int.from_bytes(unb64(public("rsa")["n"]), "big")

    def raised(alg):
        nonce = 0
        while True:
            made = token(claims=claims(jti=str(nonce)), alg=alg)
            message, signature = made.rsplit(".", 1)
            total = int.from_bytes(unb64(signature), "big") + modulus
            if total < 1 << 2048:
                return f"{message}.{b64(total.to_bytes(256, 'big'))}"
            nonce += 1

    changes = {
        "missing": lambda raw: b"",
        "one-byte": lambda raw: b"\1",
        "truncated": lambda raw: raw[:-1],
        "longer": lambda raw: raw + b"\0",
        "shifted": lambda raw: b"\0" + raw,
        "twice": lambda raw: raw + raw,
        "flipped": lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
        "zeros": lambda raw: bytes(len(raw)),
        "ones": lambda raw: b"\xff" * len(raw),
    }
    for alg, kid in {"RS256": "rsa", "PS256": "rsa-ps256", "ES256": "p256", "EdDSA": "ed25519"}.items():
        for name, change in changes.items():
            TOKENS[f"{alg.lower()}-signature-{name}"] = token(kid=kid, alg=alg, signature=change)
    number = lambda value: value.to_bytes(32, "big")
    halves = {
        "r-zero": lambda raw: bytes(32) + raw[32:],
        "s-zero": lambda raw: raw[:32] + bytes(32),
        "r-order": lambda raw: number(P256_ORDER) + raw[32:],
        "s-order": lambda raw: raw[:32] + number(P256_ORDER),
        "r-order-s-order": lambda raw: number(P256_ORDER) * 2,
        "r-one-s-one": lambda raw: number(1) + number(1),
        "r-prime": lambda raw: number(P256_PRIME) + raw[32:],
        "r-order-plus-one": lambda raw: number(P256_ORDER + 1) + number(P256_ORDER + 1),
        "swapped": lambda raw: raw[32:] + raw[:32],
        "der": lambda raw: utils.encode_dss_signature(
            int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        ),
    }
    for name, change in halves.items():
        TOKENS[f"es256-{name}"] = token(kid="p256", alg="ES256", signature=change)
    TOKENS["eddsa-s-plus-order"] = token(kid="ed25519", alg="EdDSA", signature=lambda raw: raw[:32] + (
        int.from_bytes(raw[32:], "little") + ED25519_ORDER
    ).to_bytes(32, "little"))
    TOKENS["eddsa-identity"] = token(
        kid="ed25519", alg="EdDSA", signature=lambda raw: b"\1" + bytes(63)
    )
    TOKENS["rs256-signature-short"] = short_one()
    TOKENS["rs256-signature-raised"] = raised("RS256")
    TOKENS["ps512-signature-raised"] = raised("PS512")
    TOKENS["rs256-low-exponent"] = low_exponent()
    TOKENS["rs256-no-digest-info"] = bad_padding(lambda info, digest: filled(digest))
    TOKENS["rs256-digest-info-without-null"] = bad_padding(
        lambda info, digest: filled(bytes.fromhex("302f300b0609608648016503040201") + b"\4\x20" + digest)
    )
    TOKENS["rs256-sha1-named"] = bad_padding(
        lambda info, digest: filled(bytes.fromhex("3021300906052b0e03021a05000414") + digest[:20])
    )
    TOKENS["rs256-padding-zeros"] = bad_padding(
        lambda info, digest: filled(info + digest, fill=b"\0")
    )
    TOKENS["rs256-padding-of-encryption"] = bad_padding(
        lambda info, digest: filled(info + digest, kind=2)
    )
    TOKENS["rs256-padding-short"] = bad_padding(
        lambda info, digest: (b"\0\1" + b"\xff" * 8 + b"\0" + info + digest).ljust(256, b"\0")
    )
    for salt in (0, 20, 222):
        TOKENS[f"ps256-salt-of-{salt}"] = token(kid="rsa-ps256", alg="PS256", salt=salt)
    # The header names another algorithm than the one that signed.
    for named, alg, kid in (
        ("RS256", "PS256", "rsa"), ("PS256", "RS256", "rsa-ps256"), ("RS256", "RS512", "rsa"),
        ("RS512", "RS256", "rsa"), ("PS384", "PS256", "rsa"),
    ):
        TOKENS[f"{alg.lower()}-named-{named.lower()}"] = token(
            header={"alg": named, "kid": kid}, kid=kid, alg=alg
        )


def mixed():
    header, payload, signature = token().split(".")
    other_header, other_payload, other_signature = token(
        header={"alg": "RS256", "kid": "rsa", "x": 1}, claims=claims(sub="root")
    ).split(".")
    TOKENS["other-payload"] = f"{header}.{other_payload}.{signature}"
    TOKENS["other-header"] = f"{other_header}.{payload}.{signature}"
    TOKENS["other-signature"] = f"{header}.{payload}.{other_signature}"
    again = b64(json.dumps(GOOD))
    TOKENS["payload-written-again"] = f"{header}.{again}.{signature}"
    TOKENS["payload-empty-by-another"] = f"{header}..{signature}"


def payloads():
    rows = {
        "payload-empty": "",
        "payload-text": "alice",
        "payload-array": "[]",
        "payload-null": "null",
        "payload-not-json": text(GOOD)[:-1],
        "payload-goes-on": text(GOOD) + "x",
        "payload-not-utf8": text(GOOD)[:-1].encode() + b',"x":"\xc3\x28"}',
        "payload-deep": text(GOOD)[:-1] + ',"x":' + "[" * 60 + "]" * 60 + "}",
        "sub-twice": text(GOOD)[:-1] + ',"sub":"root"}',
        "exp-twice-escaped": text(GOOD)[:-1] + ',"e\\u0078p":1}',
        "claim-twice-inside": text(GOOD)[:-1] + ',"x":[{"a":1,"a":2}]}',
    }
    for name, payload in rows.items():
        TOKENS[name] = token(claims=payload)


def registered_claims():
    rows = {
        "expired": {"exp": 1000000000},
        "exp-zero": {"exp": 0},
        "exp-negative": {"exp": -1},
        "exp-in-milliseconds": {"exp": FOREVER * 1000},
        "exp-text": {"exp": str(FOREVER)},
        "exp-true": {"exp": True},
        "exp-array": {"exp": [FOREVER]},
        "nbf-in-2100": {"nbf": FOREVER - 1},
        "nbf-text": {"nbf": "0"},
        "nbf-negative": {"nbf": -1},
        "iat-in-2100": {"iat": FOREVER - 1},
        "iat-text": {"iat": "now"},
        "iss-other": {"iss": "https://other.example"},
        "iss-with-slash": {"iss": ISSUER + "/"},
        "iss-in-capitals": {"iss": ISSUER.upper()},
        "iss-longer": {"iss": ISSUER + ".evil.example"},
        "iss-empty": {"iss": ""},
        "iss-number": {"iss": 7},
        "iss-array": {"iss": [ISSUER]},
        "aud-other": {"aud": "billing"},
        "aud-others": {"aud": ["billing", "shipping"]},
        "aud-empty": {"aud": []},
        "aud-empty-text": {"aud": ""},
        "aud-longer": {"aud": "orders2"},
        "aud-shorter": {"aud": "order"},
        "aud-in-capitals": {"aud": "Orders"},
        "aud-joined": {"aud": "orders billing"},
        "aud-number": {"aud": 7},
        "aud-object": {"aud": {"orders": True}},
        "aud-with-a-number": {"aud": ["orders", 7]},
        "sub-number": {"sub": 7},
        "sub-array": {"sub": ["alice"]},
        "jti-number": {"jti": 7},
    }
    for name, changes in rows.items():
        TOKENS[name] = with_claims(**changes)
    for name in ("exp", "iss", "aud"):
        TOKENS[f"{name}-missing"] = with_claims(**{name: None})
    for name in ("exp", "nbf", "iss", "aud", "sub"):
        TOKENS[f"{name}-null"] = raw_claims(name, "null")
    TOKENS["exp-infinite"] = raw_claims("exp", "1e999")
    TOKENS["exp-huge"] = raw_claims("exp", "9223372036854775807")
    TOKENS["exp-beyond-64-bits"] = raw_claims("exp", "18446744073709551616")


def issuers():
    """Tokens of several issuers in one bundle."""
    for size in ("256", "384", "512"):
        issuer = f"https://hs{size}.example"
        secret = unb64(json.loads(KEY[f"secret-{size}"].export())["k"])
        mine = claims(iss=issuer)
        TOKENS[f"hs{size}-issuer"] = with_mac({"alg": f"HS{size}"}, secret, mine)
        TOKENS[f"hs{size}-issuer-by-nothing"] = with_mac({"alg": f"HS{size}"}, b"", mine)
        other = "256" if size == "512" else "512"
        TOKENS[f"hs{size}-as-hs{other}"] = with_mac({"alg": f"HS{other}"}, secret, mine)
        message, full = TOKENS[f"hs{size}-issuer"].rsplit(".", 1)
        TOKENS[f"hs{size}-truncated"] = f"{message}.{b64(unb64(full)[:16])}"
    secret = unb64(json.loads(KEY["secret-384"].export())["k"])
    TOKENS["hs256-by-another-issuers-secret"] = with_mac(
        {"alg": "HS256"}, secret, claims(iss="https://hs256.example")
    )
    TOKENS["hs256-issuer-by-rs256"] = token(claims=claims(iss="https://hs256.example"))
    TOKENS["hs256-issuer-by-none"] = (
        f"{b64(text({'alg': 'none'}))}.{b64(text(claims(iss='https://hs256.example')))}."
    )

    def partner(header=None, **changes):
        header = {"alg": "ES256", "kid": "partner", "typ": "at+jwt", **(header or {})}
        header = {name: value for name, value in header.items() if value is not None}
        mine = claims(**{"iss": "https://partner.example", "sub": "spiffe://partner/alice", **changes})
        return token(header=header, claims=mine, kid="partner", alg="ES256")

    TOKENS["partner"] = partner()
    TOKENS["partner-long-type"] = partner({"typ": "application/AT+JWT"})
    for name, typ in {
        "none": None, "jwt": "JWT", "longer": "at+jwtx", "text": "text/at+jwt", "empty": "",
    }.items():
        TOKENS[f"typ-{name}"] = partner({"typ": typ})
    TOKENS["typ-number"] = partner({"typ": 7})
    TOKENS["sub-of-another"] = partner(sub="spiffe://issuer/alice")
    TOKENS["sub-in-capitals"] = partner(sub="SPIFFE://partner/alice")
    TOKENS["sub-missing"] = partner(sub=None)
    TOKENS["partner-for-the-issuer"] = partner(iss=ISSUER)
    TOKENS["partner-by-the-issuers-key"] = token(
        header={"alg": "ES256", "kid": "p256", "typ": "at+jwt"},
        claims=claims(iss="https://partner.example", sub="spiffe://partner/alice"),
        kid="p256", alg="ES256",
    )
    TOKENS["old"] = token(claims=claims(iss="https://old.example"), kid="rsa-1024")
    TOKENS["for-too-long"] = token(
        claims=claims(iss="https://brief.example"), kid="partner", alg="ES256"
    )
    TOKENS["brief-without-exp"] = token(
        claims=claims(iss="https://brief.example", exp=None), kid="partner", alg="ES256"
    )
    TOKENS["timeless-too-large"] = token(
        claims=claims(iss="https://timeless.example", note="x" * 4000), kid="partner", alg="ES256"
    )
    TOKENS["timeless"] = token(
        claims=claims(iss="https://timeless.example", exp=None), kid="partner", alg="ES256"
    )


def write(name, value):
    (FOLDER / name).write_text(json.dumps(value, indent=1) + "\n")


def main():
    for part in (
        accepted, forms, headers, algorithms, which_key, signatures, mixed, payloads,
        registered_claims, issuers,
    ):
        before = len(TOKENS)
        part()
        print(f"{part.__name__}: {len(TOKENS) - before}")
    for name, kids in SETS.items():
        write(f"jwks-{name}.json", {"keys": [public(kid) for kid in kids]})
    write("minted.json", TOKENS)
    print(f"{len(TOKENS)} tokens")


main()
