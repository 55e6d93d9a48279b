"""What the daemon says about itself: health, root, description, page."""

import html.parser
import re
import urllib.parse

import jsonschema
import pytest

from daemon import Daemon, run_todod

METHODS = {"get", "put", "post", "delete", "options", "head", "patch",
           "trace"}
ROUTES = {
    ("get", "/"), ("get", "/health"), ("get", "/api/health"),
    ("get", "/openapi.json"),
    ("get", "/api/{}/tasks"), ("post", "/api/{}/tasks"),
    ("get", "/api/{}/tasks/{}"), ("put", "/api/{}/tasks/{}"),
    ("delete", "/api/{}/tasks/{}"), ("patch", "/api/{}/tasks/{}/complete"),
    ("get", "/api/todos"), ("post", "/api/todos"), ("get", "/api/todos/{}"),
    ("patch", "/api/todos/{}"), ("delete", "/api/todos/{}"),
}
ACCOUNTS = {("post", "/api/auth/signup"), ("post", "/api/auth/signin")}
# What is mounted, by settings, and whether accounts are.
MOUNTS = {
    "multiuser": ({}, True),
    "multiuser without accounts": ({"ACCOUNTS": "off"}, False),
    "secured": ({"TASKS_DIALECT": "secured"}, False),
    "secured with accounts": ({"TASKS_DIALECT": "secured", "ACCOUNTS": "on"},
                              True),
}
STATUSES = {
    ("get", "/api/health"): {"200", "503"},
    ("get", "/api/todos"): {"200", "401"},
    ("post", "/api/todos"): {"201", "401", "413", "415", "422"},
    ("patch", "/api/todos/{}"): {"200", "401", "404", "422"},
    ("delete", "/api/todos/{}"): {"204", "401", "404", "422"},
    ("post", "/api/auth/signup"): {"201", "400"},
    ("post", "/api/auth/signin"): {"200", "400", "401"},
    ("get", "/api/{}/tasks"): {"200", "400", "401", "403"},
    ("post", "/api/{}/tasks"): {"201", "400", "401", "403", "413", "415"},
    ("put", "/api/{}/tasks/{}"): {"200", "400", "401", "403", "404"},
    ("delete", "/api/{}/tasks/{}"): {"200", "400", "401", "403", "404"},
}


def nameless(template):
    return re.sub(r"\{[^}]*\}", "{}", template)


def operations(document):
    """Each operation with its method and path template."""
    for template, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield method, template, operation


def walk(value, path=()):
    """Every object in a JSON value, with where it is."""
    if isinstance(value, dict):
        yield path, value
    items = value.items() if isinstance(value, dict) \
        else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield from walk(child, (*path, key))


@pytest.fixture(scope="module", params=MOUNTS)
def described(request):
    """A daemon for each description that there is."""
    env, accounts = MOUNTS[request.param]
    with Daemon(backend="memory", env=env) as daemon:
        daemon.routes = ROUTES | (ACCOUNTS if accounts else set())
        yield daemon


@pytest.fixture
def document(described):
    response = described.http.get("/openapi.json")
    assert response.status_code == 200
    return response.json()


# -- health and root

def test_health_is_exact(daemon):
    response = daemon.http.get("/health")
    assert response.status_code == 200
    assert response.content == \
        b'{"status":"ok","message":"Todo API is running"}'


def test_health_answers_any_host(daemon):
    for host in ("healthcheck.railway.app", "localhost", "x:1", "[::1]:80"):
        response = daemon.http.get("/health", headers={"Host": host})
        assert response.status_code == 200


def test_the_health_of_the_database_is_exact(daemon):
    response = daemon.http.get("/api/health")
    assert response.status_code == 200
    assert response.content == b'{"status":"healthy"}'
    head = daemon.http.head("/api/health")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == str(len(response.content))


def test_a_listed_page_may_see_the_health_of_the_database(daemon):
    origin = "http://localhost:3000"
    response = daemon.http.get("/api/health", headers={"Origin": origin})
    assert response.headers["access-control-allow-origin"] == origin
    assert response.headers["vary"] == "Origin"


def test_root_is_exact_and_names_the_version(daemon, tmp):
    shown = run_todod("--version", folder=tmp, bare=True)
    version = re.search(r"\d+\.\d+\.\d+\S*", shown.stdout)[0]
    assert daemon.http.get("/").content == (
        f'{{"message":"Todo API v{version}","version":"{version}",'
        f'"docs":"/docs","health":"/health"}}').encode()


def test_they_need_no_token_and_mind_none(daemon):
    for path in ("/", "/health", "/api/health", "/openapi.json", "/docs"):
        response = daemon.http.get(path, headers={
            "Authorization": "Bearer nonsense"})
        assert response.status_code == 200


# -- the description

def test_the_description_is_openapi_3_1(document, described):
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == \
        described.http.get("/").json()["version"]


def test_exactly_the_mounted_routes_are_described(document, described):
    found = {(method, nameless(template))
             for method, template, _ in operations(document)
             if method != "options" and method != "head"
             and not template.startswith("/docs")}
    assert found == described.routes


def test_the_statuses_of_the_contract_are_described(document):
    for method, template, operation in operations(document):
        wanted = STATUSES.get((method, nameless(template)), set())
        assert wanted <= set(operation["responses"]), (method, template)


def test_every_reference_leads_somewhere(document, described):
    description = described.describe()
    references = [each["$ref"] for _, each in walk(document)
                  if isinstance(each.get("$ref"), str)]
    assert references
    for reference in references:
        assert reference.startswith("#/"), reference
        assert description.resolver.resolve(reference)[1]


def test_operations_have_distinct_ids_and_words(document):
    found = list(operations(document))
    ids = [operation["operationId"] for _, _, operation in found]
    assert len(set(ids)) == len(ids) == len(found)
    for method, template, operation in found:
        assert operation.get("summary"), (method, template)


def test_path_parameters_are_described(document, described):
    description = described.describe()
    for method, template, operation in operations(document):
        listed = [*document["paths"][template].get("parameters", []),
                  *operation.get("parameters", [])]
        names = {each["name"] for each in map(description.resolve, listed)
                 if each["in"] == "path"}
        assert names == set(re.findall(r"\{([^}]*)\}", template)), template


def test_the_schemas_are_schemas(document):
    found = 0
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        found += 1
    assert found


def test_the_examples_are_true(document, described):
    """Each example of a body fits the schema beside it."""
    description = described.describe()
    count = 0
    for path, media in walk(document):
        if "schema" not in media or "content" not in path:
            continue
        examples = [each["value"] for each in map(
            description.resolve, media.get("examples", {}).values())]
        if "example" in media:
            examples.append(media["example"])
        for example in examples:
            errors = list(description.validator(
                media["schema"], path).iter_errors(example))
            assert not errors, (path, errors[0].message)
            count += 1
    assert count >= len(described.routes)


def test_the_token_is_described_and_asked_for(document):
    scheme, = document["components"]["securitySchemes"].items()
    name, details = scheme
    assert (details["type"], details["scheme"]) == ("http", "bearer")
    for method, template, operation in operations(document):
        asked = operation.get("security", document.get("security", []))
        is_open = "/tasks" not in template and "/todos" not in template
        assert asked == ([] if is_open else [{name: []}]), template


# -- the page

class Assets(html.parser.HTMLParser):
    """What a browser would load for the page."""

    LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src",
              "source": "src", "object": "data", "embed": "src"}

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.inline_scripts = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        name = self.LOADED.get(tag)
        if name and attributes.get(name):
            self.found.append(attributes[name])
        elif tag == "script" and attributes.get("type", "") in (
                "", "module", "text/javascript"):
            self.inline_scripts += 1


def policy(response):
    """The content security policy as a dict of lists."""
    value = response.headers["content-security-policy"]
    parts = [part.split() for part in value.split(";") if part.strip()]
    return {part[0]: part[1:] for part in parts}


def test_the_page_is_html_with_a_strict_policy(daemon):
    response = daemon.http.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-type"].lower().startswith("text/html")
    rules = policy(response)
    assert "default-src" in rules
    scripts = rules.get("script-src", rules["default-src"])
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:", "http:",
                "data:"} & set(scripts), rules
    for sources in rules.values():
        assert not [each for each in sources if "//" in each], rules


def test_the_page_loads_nothing_from_other_servers(daemon):
    page = daemon.http.get("/docs").text
    assets = Assets(page)
    assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", page)
    for link in assets.found:
        parts = urllib.parse.urlsplit(link)
        if parts.scheme == "data":
            continue
        assert not parts.scheme and not parts.netloc, link
        path = urllib.parse.urljoin("/docs", link)
        response = daemon.wild.get(path)
        assert response.status_code == 200, path
        assert response.content
        kind = response.headers["content-type"].partition(";")[0]
        assert kind != "application/json" or path == "/openapi.json", path
        if kind == "text/css":
            assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//",
                                 response.text), path


def test_the_page_has_no_script_that_its_policy_forbids(daemon):
    response = daemon.http.get("/docs")
    scripts = policy(response).get("script-src",
                                   policy(response)["default-src"])
    excused = any(each.startswith(("'sha256-", "'sha384-", "'nonce-"))
                  for each in scripts)
    assert Assets(response.text).inline_scripts == 0 or excused


def test_the_page_shows_the_api(daemon):
    """Either it draws /openapi.json by script, or it has it written out."""
    page = daemon.http.get("/docs").text
    assets = Assets(page).found
    texts = [page, *(daemon.wild.get(urllib.parse.urljoin(
        "/docs", link)).text for link in assets if link.endswith(".js"))]
    assert any("/openapi.json" in text for text in texts) \
        or "/api/auth/signin" in page
