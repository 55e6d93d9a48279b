"""The rules that hold for every response, and the match with /openapi.json.

Each check returns a list of problems, empty when all is well.
"""

import json
import re
import threading

import jsonschema

JSON = "application/json"
PROBLEM = "application/problem+json"
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
LIMIT_LEFT = re.compile(r'"([a-z]+)";r=(\d+);t=(\d+)(?:, |\Z)')
LIMIT_POLICY = re.compile(r'"([a-z]+)";q=(\d+);w=(\d+)(?:, |\Z)')
ALLOW_ORIGIN = "access-control-allow-origin"


def strict_json(body):
    """Parses JSON as RFC 8259 has it: no NaN, no duplicate member."""

    def refuse(word):
        raise ValueError(f"{word} is not JSON")

    def members(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a duplicate member")
        return dict(pairs)

    return json.loads(body.decode("utf-8"), parse_constant=refuse,
                      object_pairs_hook=members)


def is_page(path):
    """The documentation page and its assets are not API responses."""
    return path == "/docs" or path.startswith("/docs/")


def tokens(headers, name):
    """The comma-separated elements of a header, in order."""
    return [part.strip() for part in headers.get(name, "").split(",")
            if part.strip()]


def invariants(reply):
    """What holds for every response there is."""
    return [*_headers(reply), *_by_status(reply), *_cors(reply),
            *_framing(reply), *_body(reply)]


def _headers(reply):
    headers = reply.headers
    if not REQUEST_ID.match(headers.get("x-request-id", "")):
        yield f"X-Request-Id is {headers.get('x-request-id')!r}"
    if headers.get("x-content-type-options") != "nosniff":
        yield "X-Content-Type-Options is not nosniff"
    if not headers.get("referrer-policy"):
        yield "no Referrer-Policy"
    public = is_page(reply.path) or reply.path == "/openapi.json"
    if not public and headers.get("cache-control") != "no-store":
        yield f"Cache-Control is {headers.get('cache-control')!r}"


def _by_status(reply):
    headers = reply.headers
    if reply.status >= 500 and reply.status not in (501, 503, 505):
        yield f"a server error: {reply.body[:200]!r}"
    if reply.status == 401:
        challenge = headers.get("www-authenticate", "")
        if challenge.partition(" ")[0] != "Bearer":
            yield f"WWW-Authenticate is {challenge!r}"
    if reply.status == 429:
        yield from _limits(headers)
    if reply.status in (429, 503):
        if not headers.get("retry-after", "").isdigit():
            yield f"Retry-After is {headers.get('retry-after')!r}"
    if reply.status == 405 and not tokens(headers, "allow"):
        yield "405 without Allow"
    if 300 <= reply.status < 400 and reply.status != 304:
        location = headers.get("location", "")
        if reply.status == 308:
            if not re.match(r"https://[^/?#@\s]+/", location):
                yield f"Location is {location!r}"
        elif not location.startswith("/") or location.startswith("//"):
            yield f"Location is {location!r}"


def _limits(headers):
    """Of a refusal one limit has nothing left, and each has its policy."""
    left = LIMIT_LEFT.findall(headers.get("ratelimit", ""))
    policies = LIMIT_POLICY.findall(headers.get("ratelimit-policy", ""))
    waits = [wait for _, rest, wait in left if rest == "0"]
    if [name for name, *_ in left] != [name for name, *_ in policies]:
        yield f"{headers.get('ratelimit')!r} are not of " \
              f"{headers.get('ratelimit-policy')!r}"
    if headers.get("retry-after") not in waits:
        yield f"Retry-After is none of {waits}"


def _cors(reply):
    headers = reply.headers
    vary = [token.lower() for token in tokens(headers, "vary")]
    if "origin" not in vary:
        yield f"Vary is {headers.get('vary')!r}"
    if reply.status >= 300 and "accept" not in vary:
        yield f"Vary of an error is {headers.get('vary')!r}"
    allowed = headers.get(ALLOW_ORIGIN)
    if allowed is not None:
        if allowed != reply.sent.get("origin"):
            yield f"the allowed origin is {allowed!r}"
        if headers.get("access-control-allow-credentials") != "true":
            yield "an allowed origin without credentials"
    elif any(name.startswith("access-control-") for name in headers):
        yield "CORS headers without an allowed origin"


def _framing(reply):
    length = reply.headers.get("content-length")
    chunked = reply.headers.get("transfer-encoding", "").lower() == "chunked"
    if len(reply.headers.get_list("content-length")) > 1:
        yield "two Content-Length headers"
    if reply.status in (204, 304):
        if reply.body:
            yield "a body where none may be"
        if reply.status == 204 and length is not None:
            yield "204 with a Content-Length"
    elif chunked:
        if length is not None:
            yield "Content-Length beside chunked"
    elif length is None:
        yield "no Content-Length"
    elif reply.method == "HEAD":
        if reply.body or not length.isdigit():
            yield f"HEAD with {len(reply.body)} bytes, length {length!r}"
    elif int(length) != len(reply.body):
        yield f"Content-Length {length} of {len(reply.body)} bytes"


def _body(reply):
    if reply.status in (204, 304):
        return
    if is_page(reply.path) and reply.status == 200:
        return
    kind = reply.headers.get("content-type")
    asked = PROBLEM in reply.sent.get("accept", "")
    if kind != JSON and not (kind == PROBLEM and asked):
        yield f"Content-Type is {kind!r}"
    if reply.method == "HEAD":
        return
    try:
        value = strict_json(reply.body)
    except ValueError as error:
        yield f"the body is not JSON ({error}): {reply.body[:200]!r}"
        return
    if reply.path != "/openapi.json" \
            and re.search(r"\s", STRING.sub('""', reply.body.decode("utf-8"))):
        yield f"the JSON is not compact: {reply.body[:200]!r}"
    if kind == PROBLEM:
        if value.get("status") != reply.status:
            yield f"the problem's status is {value.get('status')!r}"
    elif reply.status >= 400 and reply.path != "/api/health":
        if not isinstance(value, dict) or not value.get("detail"):
            yield f"an error without a detail: {reply.body[:200]!r}"


class Description:
    """An OpenAPI 3.1 document, as the judge of responses."""

    known = {}
    lock = threading.Lock()

    @classmethod
    def of(cls, content):
        """The description in these bytes; parsed once per text."""
        with cls.lock:
            if content not in cls.known:
                cls.known[content] = cls(strict_json(content))
            return cls.known[content]

    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver("", document)
        self.validators = {}
        # Literal paths win over templates, as they do in the router.
        self.routes = sorted(
            ((re.compile(re.sub(r"\\\{[^/]*?\\\}", "[^/]+",
                                re.escape(template)) + r"\Z"), template)
             for template in document["paths"]),
            key=lambda route: route[1].count("{"))

    def template(self, path):
        """The path template that a request's path falls under, or None."""
        for pattern, template in self.routes:
            if pattern.match(path):
                return template
        return None

    def resolve(self, thing):
        """Follows a $ref at the top of an object."""
        while isinstance(thing, dict) and "$ref" in thing:
            thing = self.resolver.resolve(thing["$ref"])[1]
        return thing

    def operation(self, template, method):
        item = self.resolve(self.document["paths"][template])
        method = method.lower()
        if method == "head" and "head" not in item:
            method = "get"
        return item.get(method)

    def validator(self, schema, key):
        """A validator of a schema of this document, kept under the key."""
        if key not in self.validators:
            self.validators[key] = jsonschema.Draft202012Validator(
                schema, resolver=self.resolver)
        return self.validators[key]

    def problems(self, reply):
        """How a response differs from its description."""
        template = self.template(reply.path)
        if template is None:
            return [f"no path of the description fits {reply.path!r}"]
        operation = self.operation(template, reply.method)
        if operation is None:
            if reply.method == "OPTIONS" and reply.status in (204, 400):
                return []       # preflights are the whole server's
            return [f"{reply.method} {template} is not described"]
        response = self.resolve(
            operation["responses"].get(str(reply.status)))
        if response is None:
            return [f"{reply.method} {template} does not describe "
                    f"{reply.status}: {reply.body[:300]!r}"]
        missing = [name for name, header in response.get("headers", {}).items()
                   if self.resolve(header).get("required")
                   and name not in reply.headers]
        return [f"the described header {name} is missing"
                for name in missing] + list(
                    self._content_problems(template, reply, response))

    def _content_problems(self, template, reply, response):
        content = response.get("content") or {}
        if reply.status in (204, 304):
            if content:
                yield f"{reply.status} is described with a body"
            return
        kind = reply.headers.get("content-type", "").partition(";")[0].strip()
        if kind not in content:
            yield f"{kind!r} is not described, only {sorted(content)}"
        elif reply.method != "HEAD" and kind in (JSON, PROBLEM):
            schema = content[kind].get("schema")
            if schema is None:
                yield f"{kind} is described without a schema"
                return
            key = (template, reply.method, reply.status, kind)
            for error in self.validator(schema, key).iter_errors(
                    json.loads(reply.body)):
                yield (f"not as described at {list(error.absolute_path)}: "
                       f"{error.message[:300]}")
