"""Signatures and keys made by arithmetic, where no library would make them:
what Wycheproof's tables are about."""

import hashlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from cases import KEYS, USER, Case, claims, header
from forge import (CURVES, P256_ORDER, b64, compact, jwk_of, make_key, number,
                   rsa_key, sign, token, unb64)

MISMATCH = "does not match"
P521_ORDER = int("01ff" + "f" * 62 + "fa51868783bf2f966b7fcc0148f709a5"
                 "d03bb5c9b8899c47aebb6fb71e91386409", 16)
ORDERS = {"ES256": P256_ORDER, "ES512": P521_ORDER}


def signed_part(alg, **more):
    return f"{b64(compact(header(alg)))}.{b64(compact(claims(**more)))}"


# -- RSA, by its numbers

SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
# The same in other encodings, none of them DER as RFC 8017 wants it.
INFOS = {
    "no parameters": "302f300b06096086480165030402010420",
    "a length in long form": "308131300d060960864801650304020105000420",
    "an inner length in long form":
        "303230810d060960864801650304020105000420",
    "of SHA-512": "3031300d060960864801650304020305000420",
    "of nothing": "",
}


def rsa_sign(key, block):
    """What decrypts to the block."""
    numbers = key.private_numbers()
    n = numbers.public_numbers.n
    size = (n.bit_length() + 7) // 8
    value = pow(int.from_bytes(block, "big"), numbers.d, n)
    return value.to_bytes(size, "big")


def blocks(digest):
    """(name, EM) that are not what EMSA-PKCS1-v1_5 makes of a digest."""
    end = SHA256_INFO + digest
    fill = 256 - 3 - len(end)
    yield "block type 2", b"\0\2" + b"\xff" * fill + b"\0" + end
    yield "block type 0", b"\0\0" + b"\xff" * fill + b"\0" + end
    yield "no zero before it", b"\0\1" + b"\xff" * (fill + 1) + end
    yield "another byte in the padding", (
        b"\0\1" + b"\xff" * (fill - 1) + b"\xfe\0" + end)
    yield "zeros as padding", b"\0\1" + b"\0" * (fill + 1) + end
    yield "padding of 8 bytes, and more behind it", (
        b"\0\1" + b"\xff" * 8 + b"\0" + end + b"\0" * (fill - 8))
    yield "a byte behind it", (
        b"\0\1" + b"\xff" * (fill - 1) + b"\0" + end + b"\0")
    for name, info in INFOS.items():
        other = bytes.fromhex(info) + digest
        yield f"its digest info is {name}", (
            b"\0\1" + b"\xff" * (253 - len(other)) + b"\0" + other)


def small_signature(key, limit):
    """A signed part whose RS256 signature is a number below the limit."""
    for count in range(100000):
        part = signed_part("RS256", jti=str(count))
        raw = sign("RS256", key, part.encode())
        if int.from_bytes(raw, "big") < limit:
            return part, raw
    raise AssertionError("no such signature")


def rsa_signatures():
    key = KEYS["RS256"]
    n = key.public_key().public_numbers().n
    part = signed_part("RS256")
    digest = hashlib.sha256(part.encode()).digest()
    end = SHA256_INFO + digest
    good = b"\0\1" + b"\xff" * (253 - len(end)) + b"\0" + end
    yield Case("RS256: by arithmetic", f"{part}.{b64(rsa_sign(key, good))}",
               "ok", USER)
    for name, block in blocks(digest):
        yield Case(f"RS256: {name}", f"{part}.{b64(rsa_sign(key, block))}",
                   says=MISMATCH)
    for name, value in (("one", 1), ("the modulus", n),
                        ("the modulus less one", n - 1)):
        yield Case(f"RS256: the signature is {name}",
                   f"{part}.{b64(value.to_bytes(256, 'big'))}", says=MISMATCH)
    part, raw = small_signature(key, 2 ** 2048 - n)
    more = (int.from_bytes(raw, "big") + n).to_bytes(256, "big")
    yield Case("RS256: the modulus added", f"{part}.{b64(more)}",
               says=MISMATCH)
    part, raw = small_signature(key, 2 ** 2040)
    yield Case("RS256: begins with a zero", f"{part}.{b64(raw)}", "ok", USER)
    yield Case("RS256: without that zero", f"{part}.{b64(raw[1:])}",
               says=MISMATCH)
    part = signed_part("PS256")
    for digest in (hashes.SHA1, hashes.SHA512):
        made = KEYS["PS256"].sign(part.encode(), padding.PSS(
            padding.MGF1(digest()), 32), hashes.SHA256())
        yield Case(f"PS256: the mask by {digest.name}",
                   f"{part}.{b64(made)}", says=MISMATCH)


# -- ECDSA

def curve_signatures():
    for alg in ("ES256", "ES512"):
        size, order = CURVES[alg][2], ORDERS[alg]
        part = signed_part(alg)
        raw = sign(alg, KEYS[alg], part.encode())
        r, s = (int.from_bytes(half, "big")
                for half in (raw[:size], raw[size:]))

        def pair(first, second, width=size):
            return b64(first.to_bytes(width, "big")
                       + second.to_bytes(width, "big"))
        odd = {"r is the order": (order, s), "s is the order": (r, order),
               "both are the order": (order, order), "r is 1": (1, s),
               "s is 1": (r, 1), "both are 1": (1, 1),
               "r negated": (order - r, s)}
        # Where there is room for it, which P-256 has not.
        if r + order < 256 ** size and s + order < 256 ** size:
            odd |= {"the order added to r": (r + order, s),
                    "the order added to s": (r, s + order)}
        for name, (first, second) in odd.items():
            yield Case(f"{alg}: {name}", f"{part}.{pair(first, second)}",
                       says=MISMATCH)
        yield Case(f"{alg}: of half the size", f"{part}.{b64(raw[:size])}",
                   says=MISMATCH)
        for width in (size - 1, size + 1):
            if max(r, s) < 256 ** width:
                yield Case(f"{alg}: halves of {width} bytes",
                           f"{part}.{pair(r, s, width)}", says=MISMATCH)
        yield Case(f"{alg}: with the halves' lengths", f"{part}." + b64(
            bytes([size]) + raw[:size] + bytes([size]) + raw[size:]),
            says=MISMATCH)


# -- Ed25519

FIELD = 2 ** 255 - 19
ORDER = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, FIELD) % FIELD
# All points whose order divides 8, in every spelling of 32 bytes.
SMALL = (
    "01" + "00" * 31, "ec" + "ff" * 30 + "7f", "00" * 32,
    "00" * 31 + "80",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "01" + "00" * 30 + "80", "ec" + "ff" * 31, "ed" + "ff" * 30 + "7f",
    "ed" + "ff" * 31, "ee" + "ff" * 30 + "7f", "ee" + "ff" * 31)


def unpack(data):
    """The point of an encoding (RFC 8032 §5.1.3)."""
    y = int.from_bytes(data, "little")
    sign_bit, y = y >> 255, y & (2 ** 255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    if (x * x - square) % FIELD:
        x = x * pow(2, (FIELD - 1) // 4, FIELD) % FIELD
    assert (x * x - square) % FIELD == 0
    return (FIELD - x if x & 1 != sign_bit else x), y


def pack(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def add(one, two):
    product = D * one[0] * two[0] * one[1] * two[1]
    x = (one[0] * two[1] + two[0] * one[1]) * pow(1 + product, -1, FIELD)
    y = (one[1] * two[1] + one[0] * two[0]) * pow(1 - product, -1, FIELD)
    return x % FIELD, y % FIELD


def secret_scalar(key):
    seed = key.private_bytes(serialization.Encoding.Raw,
                             serialization.PrivateFormat.Raw,
                             serialization.NoEncryption())
    value = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return value & ((1 << 254) - 8) | 1 << 254


def edwards_points():
    key, other = KEYS["EdDSA"], jwk_of("ES256", KEYS["ES256"], "other")
    public = unb64(jwk_of("EdDSA", key)["x"])
    part = signed_part("EdDSA")
    mixed = pack(add(unpack(public), unpack(bytes.fromhex(SMALL[4]))))
    for what, point in [*((f"of small order, {each[:4]}…{each[-2:]}",
                           bytes.fromhex(each)) for each in SMALL),
                        ("with a part of small order", mixed)]:
        for zero, made in (("its own", sign("EdDSA", key, part.encode())),
                           ("zero", bytes([1]) + bytes(63)),
                           ("all zero", bytes(64)),
                           ("the key and zero", point + bytes(32))):
            yield Case(f"EdDSA: a key {what}, the signature is {zero}",
                       f"{part}.{b64(made)}", "unknown",
                       jwks={"keys": [jwk_of("EdDSA", key, "k-EdDSA",
                                             x=b64(point)), other]})
    # The equation holds for an R of small order that the signer may choose.
    for each in SMALL:
        r = bytes.fromhex(each)
        h = int.from_bytes(hashlib.sha512(r + public + part.encode())
                           .digest(), "little")
        s = h * secret_scalar(key) % ORDER
        yield Case(f"EdDSA: r is {each[:4]}…{each[-2:]}",
                   f"{part}.{b64(r + s.to_bytes(32, 'little'))}",
                   says=MISMATCH)
    raw = sign("EdDSA", key, part.encode())
    s = int.from_bytes(raw[32:], "little")
    for times in range(1, 16):
        if s + times * ORDER < 2 ** 256:
            more = (s + times * ORDER).to_bytes(32, "little")
            yield Case(f"EdDSA: {times} times the order added to s",
                       f"{part}.{b64(raw[:32] + more)}", says=MISMATCH)


# -- keys as a server may write them

def key_forms():
    def by(alg, jwk, name, verdict="unknown", key=None):
        return Case(f"key set: {name}", token(
            header(alg), claims(), alg, key or KEYS[alg]), verdict,
            USER if verdict == "ok" else "",
            jwks={"keys": [jwk, jwk_of("ES256" if alg != "ES256" else "EdDSA",
                                       KEYS["ES256" if alg != "ES256"
                                            else "EdDSA"], "other")]})

    jwks = {alg: jwk_of(alg, key, "k-" + alg) for alg, key in KEYS.items()}
    rsa = jwks["RS256"]
    n = int.from_bytes(unb64(rsa["n"]), "big")
    short = rsa_key(2047)
    yield by("RS256", jwk_of("RS256", short, "k-RS256"), "RSA of 2047 bits",
             key=short)
    for name, value in (("of 8193 bits", 2 ** 8192 + 1),
                        ("with an even modulus", n - 1), ("modulo 0", 0),
                        ("modulo 1", 1), ("of half a modulus", n >> 1024)):
        yield by("RS256", rsa | {"n": number(value)}, f"RSA {name}")
    yield by("RS256", rsa | {"e": "AAEAAQ"}, "a zero before the exponent",
             "ok")
    yield by("RS256", rsa | {"n": "+/" + rsa["n"][2:]}, "n in plain base64")
    yield by("RS256", rsa | {"n": str(n)}, "n in decimal digits")
    yield by("RS256", rsa | {"e": 65537}, "e as a number")
    yield by("RS256", rsa | {"e": number(65537) + "=="}, "a padded e")
    for name in ("d", "p", "q", "dp", "dq", "qi", "oth"):
        yield by("RS256", rsa | {name: number(3)},
                 f"RSA with the private member {name}")
    for alg in ("ES256", "ES512", "EdDSA"):
        yield by(alg, jwks[alg] | {"d": b64(bytes(32))},
                 f"{alg} with its private member")
    for alg, jwk in jwks.items():
        yield by(alg, jwk | {"use": "sig", "key_ops": ["verify"],
                             "x5c": ["AAAA"], "x5t": "AAAA",
                             "x5u": "https://evil.example/", "ext": True,
                             "expiresAt": None, "createdAt": "now"},
                 f"{alg} with much else", "ok")
        yield by(alg, jwk | {"kid": "K-" + alg}, f"{alg} by another name")
        yield by(alg, {name: value for name, value in jwk.items()
                       if name != "kty"}, f"{alg} without a type")
        yield by(alg, jwk | {"kty": jwk["kty"].lower()},
                 f"{alg} with its type in lower case")
        for other in jwks:
            if other != alg:
                yield by(alg, jwk | {"alg": other},
                         f"{alg} that says {other}",
                         "denied" if {alg, other} == {"RS256", "PS256"}
                         else "unknown")
        # Of two keys of one name it is the first.
        stranger = jwk_of(alg, make_key(alg, "stranger"), "k-" + alg)
        made = token(header(alg), claims(), alg, KEYS[alg])
        yield Case(f"key set: {alg}, twice by one name, the first", made,
                   "ok", USER, jwks={"keys": [jwk, stranger]})
        yield Case(f"key set: {alg}, twice by one name, the second", made,
                   says=MISMATCH, jwks={"keys": [stranger, jwk]})
    for alg in ("ES256", "ES512"):
        size = CURVES[alg][2]
        point = {name: unb64(jwks[alg][name]) for name in "xy"}
        swapped = jwks[alg] | {"x": jwks[alg]["y"], "y": jwks[alg]["x"]}
        yield by(alg, swapped, f"{alg}: x and y change places")
        yield by(alg, jwks[alg] | {"x": b64(bytes(size)),
                                   "y": b64(bytes(size))},
                 f"{alg}: the point of zeros")
        yield by(alg, jwks[alg] | {"x": b64(b"\xff" * size)},
                 f"{alg}: x beyond the field")
        yield by(alg, jwks[alg] | {"y": b64(b"\4" + point["x"] + point["y"])},
                 f"{alg}: the whole point as y")
        yield by(alg, {name: value for name, value in jwks[alg].items()
                       if name != "y"}, f"{alg}: x alone")
        yield by(alg, jwks[alg] | {"crv": "secp256k1"},
                 f"{alg}: secp256k1 by name")


GROUPS = (rsa_signatures, curve_signatures, edwards_points, key_forms)
