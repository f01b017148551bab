"""Keys, and tokens of any bytes with signatures of OpenSSL."""

import base64
import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from jwcrypto import jwk

FOLDER = pathlib.Path(__file__).parent
ISSUER = "https://issuer.example"
FOREVER = 4102444800  # 2100-01-01
GOOD = {"iss": ISSUER, "aud": "orders", "sub": "alice", "iat": 1700000000, "exp": FOREVER}

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}

# kid, how it is made, and what the public JWK says beside the key.
KEYS = {
    "rsa": ({"kty": "RSA", "size": 2048}, {}),
    "rsa-ps256": ({"kty": "RSA", "size": 2048}, {"alg": "PS256"}),
    "rsa-e3": ({"kty": "RSA", "size": 2048, "public_exponent": 3}, {}),
    "rsa-encrypts": ({"kty": "RSA", "size": 2048}, {"use": "enc"}),
    "rsa-signs": ({"kty": "RSA", "size": 2048}, {"key_ops": ["sign"]}),
    "p256": ({"kty": "EC", "crv": "P-256"}, {"use": "sig"}),
    "p384": ({"kty": "EC", "crv": "P-384"}, {"alg": "ES384"}),
    "p521": ({"kty": "EC", "crv": "P-521"}, {"key_ops": ["verify"]}),
    "ed25519": ({"kty": "OKP", "crv": "Ed25519"}, {}),
    "secp256k1": ({"kty": "EC", "crv": "secp256k1"}, {}),
    "partner": ({"kty": "EC", "crv": "P-256"}, {}),
    "rsa-1024": ({"kty": "RSA", "size": 1024}, {}),
    "stranger-rsa": ({"kty": "RSA", "size": 2048}, {}),
    "stranger-p256": ({"kty": "EC", "crv": "P-256"}, {}),
    "stranger-ed25519": ({"kty": "OKP", "crv": "Ed25519"}, {}),
    "secret-256": ({"kty": "oct", "size": 256}, {}),
    "secret-384": ({"kty": "oct", "size": 384}, {}),
    "secret-512": ({"kty": "oct", "size": 512}, {}),
}


def keys():
    path = FOLDER / "keys.json"
    if not path.exists():
        made = {}
        for kid, (how, _) in KEYS.items():
            made[kid] = json.loads(jwk.JWK.generate(kid=kid, **how).export())
        path.write_text(json.dumps(made, indent=1) + "\n")
    return {kid: jwk.JWK(**key) for kid, key in json.loads(path.read_text()).items()}


KEY = keys()


def public(kid):
    key = json.loads(KEY[kid].export_public())
    return {**key, **KEYS[kid][1]}


def b64(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text(part):
    return json.dumps(part, separators=(",", ":")) if isinstance(part, dict) else part


def native(kid):
    return KEY[kid].get_op_key("sign")


def sign(alg, kid, message, salt=None):
    """The raw JWS signature of OpenSSL."""
    size = alg[2:]
    if alg == "EdDSA":
        return native(kid).sign(message)
    if alg.startswith("RS"):
        return native(kid).sign(message, padding.PKCS1v15(), HASHES[size])
    if alg.startswith("PS"):
        salt = HASHES[size].digest_size if salt is None else salt
        scheme = padding.PSS(padding.MGF1(HASHES[size]), salt)
        return native(kid).sign(message, scheme, HASHES[size])
    r, s = utils.decode_dss_signature(native(kid).sign(message, ec.ECDSA(HASHES[size])))
    width = (native(kid).curve.key_size + 7) // 8
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def mac(alg, secret, message):
    return hmac.new(secret, message, getattr(hashlib, "sha" + alg[2:])).digest()


def token(header=None, claims=None, kid="rsa", alg="RS256", signature=None, salt=None):
    """A token of any bytes; `signature` changes what was signed."""
    header = {"alg": alg, "kid": kid} if header is None else header
    message = f"{b64(text(header))}.{b64(text(GOOD if claims is None else claims))}"
    signed = sign(alg, kid, message.encode(), salt)
    signed = signature(signed) if callable(signature) else signed
    return f"{message}.{b64(signed)}"


def with_mac(header, secret, claims=GOOD):
    message = f"{b64(text(header))}.{b64(text(claims))}"
    return f"{message}.{b64(mac(header['alg'], secret, message.encode()))}"


def unsigned(header, signature=b""):
    return f"{b64(text(header))}.{b64(text(GOOD))}.{b64(signature)}"


def claims(**changes):
    changed = {**GOOD, **changes}
    return {name: value for name, value in changed.items() if value is not None}


def with_claims(**changes):
    return token(claims=claims(**changes))


def raw_claims(name, value):
    """Good claims with this JSON text put in for one of them."""
    rest = text({known: other for known, other in GOOD.items() if known != name})
    return token(claims=f'{{"{name}":{value},{rest[1:]}')


def with_header(**changes):
    return token(header={"alg": "RS256", "kid": "rsa", **changes})
