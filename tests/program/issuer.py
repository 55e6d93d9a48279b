"""An issuer of tokens: keys of every kind, and a small server that shows them
as a JWKS, well or badly.

The server is on loopback; it counts what it is asked for, can be stopped and
started again on the same port, and speaks TLS with a private authority.
"""

import base64
import contextlib
import datetime
import http.server
import itertools
import json
import ssl
import threading
import time

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ALGORITHMS = ("EdDSA", "RS256", "PS256", "ES256", "ES512")
PATH = "/api/auth/jwks"
_numbers = itertools.count(1)


def digits(number, size=None):
    """A number as base64url of its big-endian bytes."""
    size = size or (number.bit_length() + 7) // 8
    return encoded(number.to_bytes(size, "big"))


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """A private key for one algorithm, with its kid."""

    made = []       # every token signed here, to look for in logs

    def __init__(self, alg="EdDSA", kid=None):
        self.alg = alg
        self.kid = kid or f"key-{next(_numbers)}"
        if alg == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        elif alg in ("RS256", "PS256"):
            self.private = rsa.generate_private_key(65537, 2048)
        else:
            curve = ec.SECP256R1() if alg == "ES256" else ec.SECP521R1()
            self.private = ec.generate_private_key(curve)

    def jwk(self):
        """The public half, as Better Auth shows it."""
        return {**self._members(), "alg": self.alg, "kid": self.kid}

    def _members(self):
        public = self.private.public_key()
        if self.alg == "EdDSA":
            raw = public.public_bytes(serialization.Encoding.Raw,
                                      serialization.PublicFormat.Raw)
            return {"kty": "OKP", "crv": "Ed25519", "x": encoded(raw)}
        numbers = public.public_numbers()
        if self.alg in ("RS256", "PS256"):
            return {"kty": "RSA", "n": digits(numbers.n),
                    "e": digits(numbers.e)}
        size = (public.curve.key_size + 7) // 8
        return {"kty": "EC", "crv": f"P-{public.curve.key_size}",
                "x": digits(numbers.x, size), "y": digits(numbers.y, size)}

    def sign(self, user="someone", kid=None, **more):
        """A token for the user, with claims laid over."""
        now = int(time.time())
        claims = {"sub": user, "iat": now, "exp": now + 900, **more}
        token = jwt.encode(
            {name: value for name, value in claims.items()
             if value is not None},
            self.private, algorithm=self.alg,
            headers={"kid": kid or self.kid, "typ": None})
        Key.made.append(token)
        return token


def jwks(*keys):
    """The text of a set of these keys (or of ready members)."""
    return json.dumps({"keys": [key.jwk() if isinstance(key, Key) else key
                                for key in keys]}).encode()


class Issuer:
    """The server.  answer(handler) says what is sent instead of the keys."""

    def __init__(self, *keys, tls=None):
        self.keys = list(keys)
        self.tls = tls
        self.answer = None
        self.asked = []             # (monotonic time, path) of each request
        self.port = 0
        self.server = None

    def start(self):
        """Serves, on the port it had before if any."""
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One request."""

            def do_GET(self):
                issuer.asked.append((time.monotonic(), self.path))
                if issuer.answer and self.path == PATH:
                    issuer.answer(self)
                elif self.path == PATH:
                    say(self, jwks(*issuer.keys))
                else:
                    say(self, b"{}", status=404)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", self.port), Handler, bind_and_activate=False)
        self.server.daemon_threads = True
        self.server.allow_reuse_address = True
        self.server.handle_error = lambda *_: None
        if self.tls:
            self.server.socket = self.tls.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
        self.server.server_bind()
        self.server.server_activate()
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()
        return self

    def stop(self):
        """Refuses connections from here on."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        scheme = "https" if self.tls else "http"
        name = "localhost" if self.tls else "127.0.0.1"
        return f"{scheme}://{name}:{self.port}"

    def fetches(self):
        """How often the keys were asked for."""
        return len([path for _, path in self.asked if path == PATH])

    def since_last(self):
        """Seconds since the last request."""
        return time.monotonic() - self.asked[-1][0] if self.asked else 1e9


def say(handler, body, status=200, kind="application/json", headers=()):
    """One whole answer."""
    with contextlib.suppress(OSError):
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


# -- a private authority

def _certificate(name, key, issuer_name, issuer_key, extensions):
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder()
               .subject_name(name).issuer_name(issuer_name)
               .public_key(key.public_key())
               .serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(days=1))
               .not_valid_after(now + datetime.timedelta(days=1)))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _named(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def tls_for(folder, host="localhost"):
    """A context for a server of that name; the authority is folder/ca.pem."""
    pem = serialization.Encoding.PEM
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = _named(f"authority {next(_numbers)} of the tests")
    authority = _certificate(
        ca_name, ca_key, ca_name, ca_key,
        [x509.BasicConstraints(ca=True, path_length=0)])
    certificate = _certificate(
        _named(host), key, ca_name, ca_key,
        [x509.SubjectAlternativeName([x509.DNSName(host)])])
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    chain = folder / "server.pem"
    chain.write_bytes(certificate.public_bytes(pem) + key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context
