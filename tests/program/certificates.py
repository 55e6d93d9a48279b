"""A private authority, and certificates of it for the daemon under test.

    chain = Authority().issue("localhost").save(folder)
    Daemon(env=chain.env, tls=chain.context())
"""

import datetime
import ipaddress
import itertools
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PEM = serialization.Encoding.PEM
DAY = datetime.timedelta(days=1)
_numbers = itertools.count(1)


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _sign(subject, key, issuer, issuer_key, extensions, begins, ends):
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder()
               .subject_name(_name(subject)).issuer_name(_name(issuer))
               .public_key(key.public_key())
               .serial_number(x509.random_serial_number())
               .not_valid_before(now + begins * DAY)
               .not_valid_after(now + ends * DAY))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _key(kind="ec"):
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "weak":
        return rsa.generate_private_key(65537, 1024)
    return ec.generate_private_key(ec.SECP256R1())


class Authority:
    """A root, and an intermediate authority that signs the rest."""

    def __init__(self):
        number = next(_numbers)
        self.name = f"intermediate {number} of the tests"
        self.key = _key()
        root_name, root_key = f"root {number} of the tests", _key()
        self.root = _sign(
            root_name, root_key, root_name, root_key,
            [x509.BasicConstraints(ca=True, path_length=1)], -1, 30)
        self.certificate = _sign(
            self.name, self.key, root_name, root_key,
            [x509.BasicConstraints(ca=True, path_length=0)], -1, 30)

    def issue(self, kind="ec", begins=-1, ends=20):
        """A certificate for this machine that holds between these days."""
        key = _key(kind)
        names = [x509.DNSName("localhost"),
                 x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = _sign("localhost", key, self.name, self.key,
                            [x509.SubjectAlternativeName(names)], begins, ends)
        return Chain(self, key, certificate)


class Chain:
    """A certificate, the one above it, and its key."""

    def __init__(self, authority, key, certificate):
        self.authority = authority
        self.key = key
        self.certificate = certificate

    @property
    def der(self):
        """The certificate as a client sees it."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def certificate_pem(self):
        return (self.certificate.public_bytes(PEM)
                + self.authority.certificate.public_bytes(PEM))

    def key_pem(self, password=None):
        how = serialization.BestAvailableEncryption(password) if password \
            else serialization.NoEncryption()
        return self.key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, how)

    def save(self, folder):
        """Writes cert.pem and key.pem, and says in env where they are."""
        (folder / "cert.pem").write_bytes(self.certificate_pem())
        key = folder / "key.pem"
        key.touch(0o600)
        key.write_bytes(self.key_pem())
        return self

    @staticmethod
    def env(folder):
        return {"TLS_CERT": folder / "cert.pem", "TLS_KEY": folder / "key.pem"}

    def context(self, version=None, alpn=("http/1.1",)):
        """A client's context that knows the root and nothing else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(
            cadata=self.authority.root.public_bytes(PEM).decode())
        if version:
            context.minimum_version = context.maximum_version = version
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context
