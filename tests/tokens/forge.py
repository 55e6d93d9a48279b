"""Keys, key sets and tokens as an issuer elsewhere makes them, by Python's
cryptography: a second opinion on every algorithm, and the tools of a forger."""

import base64
import functools
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (ec, ed25519, padding,
                                                       rsa, utils)

PUBLIC = serialization.PublicFormat
P256_ORDER = int("ffffffff00000000ffffffffffffffff"
                 "bce6faada7179e84f3b9cac2fc632551", 16)
CURVES = {"ES256": (ec.SECP256R1, "P-256", 32, hashes.SHA256),
          "ES512": (ec.SECP521R1, "P-521", 66, hashes.SHA512)}
DIGITS = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
          "0123456789-_")


def b64(data):
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(value):
    """A value as compact JSON; what is bytes already stays as it is."""
    if isinstance(value, bytes):
        return value
    return json.dumps(value, separators=(",", ":")).encode()


def number(value):
    return b64(value.to_bytes((value.bit_length() + 7) // 8 or 1, "big"))


def loosened(segment):
    """The same bytes by a last digit that is not canonical; None when the
    segment has no bits to spare."""
    if len(segment) % 4 == 0:
        return None
    return segment[:-1] + DIGITS[DIGITS.index(segment[-1]) + 1]


@functools.lru_cache(None)
def rsa_key(bits=2048, name=""):
    """An RSA key, the same one for the same arguments."""
    del name
    return rsa.generate_private_key(65537, bits)


@functools.lru_cache(None)
def other_key(alg, name=""):
    del name
    if alg == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(CURVES[alg][0]())


def make_key(alg, name=""):
    if alg in ("RS256", "PS256"):
        return rsa_key(2048, name)
    return other_key(alg, name)


def jwk_of(alg, key, kid=None, **more):
    """The public half as a JWK; a member that is None is left out."""
    jwk = {"kid": kid, "alg": alg}
    public = key.public_key()
    if alg in ("RS256", "PS256"):
        numbers = public.public_numbers()
        jwk |= {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif alg == "EdDSA":
        raw = public.public_bytes(serialization.Encoding.Raw, PUBLIC.Raw)
        jwk |= {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    else:
        _, curve, size, _ = CURVES[alg]
        numbers = public.public_numbers()
        jwk |= {"kty": "EC", "crv": curve,
                "x": b64(numbers.x.to_bytes(size, "big")),
                "y": b64(numbers.y.to_bytes(size, "big"))}
    jwk |= more
    return {name: value for name, value in jwk.items() if value is not None}


def public_forms(alg, key):
    """What a forger might take a public key's bytes to be."""
    public = key.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM,
                              PUBLIC.SubjectPublicKeyInfo)
    forms = {
        "PEM": pem,
        "PEM without the last line feed": pem.rstrip(b"\n"),
        "DER": public.public_bytes(serialization.Encoding.DER,
                                   PUBLIC.SubjectPublicKeyInfo),
        "JWK": compact(jwk_of(alg, key, "k-" + alg)),
    }
    if alg in ("RS256", "PS256"):
        forms["PKCS#1 PEM"] = public.public_bytes(serialization.Encoding.PEM,
                                                  PUBLIC.PKCS1)
        forms["n"] = unb64(jwk_of(alg, key)["n"])
    else:
        forms["x"] = unb64(jwk_of(alg, key)["x"])
    return forms


def raw_pair(alg, der):
    """r and s side by side."""
    size = CURVES[alg][2]
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def sign(alg, key, data, **odd):
    """The signature; odd changes what is usual: digest, salt, padding, der."""
    if alg == "HS256":
        return hmac.new(key, data, odd.get("digest", hashlib.sha256)).digest()
    if alg == "EdDSA":
        return key.sign(data)
    digest = odd.get("digest", CURVES.get(alg, (None,) * 4)[3]
                     or hashes.SHA256)
    if alg in CURVES:
        der = key.sign(data, ec.ECDSA(digest()))
        return der if odd.get("der") else raw_pair(alg, der)
    if odd.get("padding", alg) == "RS256":
        return key.sign(data, padding.PKCS1v15(), digest())
    salt = odd.get("salt", digest.digest_size)
    return key.sign(data, padding.PSS(padding.MGF1(digest()), salt), digest())


def token(header, claims, alg, key, **odd):
    """A token of these parts, signed; header and claims may be bytes."""
    signed = f"{b64(compact(header))}.{b64(compact(claims))}"
    return f"{signed}.{b64(sign(alg, key, signed.encode(), **odd))}"
