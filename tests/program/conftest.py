"""Fixtures: one daemon per backend for the whole run, and users on it."""

import sys

# The source folder may be read-only, and nothing is left behind in it.
sys.dont_write_bytecode = True

import hypothesis  # noqa: E402
import pytest  # noqa: E402

pytest.register_assert_rewrite("expect", "users", "daemon", "client")

import backends  # noqa: E402
from daemon import Daemon, folder, is_sanitized, unavailable  # noqa: E402
from users import sign_up  # noqa: E402

pytest_plugins = ["tap"]

hypothesis.settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None,
    suppress_health_check=hypothesis.HealthCheck.all())
hypothesis.settings.load_profile("ci")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes many seconds")
    config.addinivalue_line("markers",
                            "unsanitized: cannot be asked of ASan's memory")


def pytest_collection_modifyitems(config, items):
    """A limit on memory makes no sense with ASan, in whatever way it ends."""
    if not is_sanitized():
        return
    apart = [item for item in items if item.get_closest_marker("unsanitized")]
    config.hook.pytest_deselected(items=apart)
    items[:] = [item for item in items if item not in apart]


@pytest.fixture(scope="session", params=backends.selected())
def daemon(request):
    """The daemon that most tests share, with its default settings."""
    try:
        running = Daemon(backend=request.param)
    except backends.Missing as error:
        unavailable(str(error))
    with running:
        yield running


@pytest.fixture(scope="session", params=backends.selected())
def secured(request):
    """A daemon that has the dialect secured, and users from elsewhere."""
    try:
        running = Daemon(backend=request.param,
                         env={"TASKS_DIALECT": "secured"})
    except backends.Missing as error:
        unavailable(str(error))
    with running:
        yield running


@pytest.fixture(scope="module")
def cluster():
    """Database servers of a module, which its tests may harm."""
    try:
        backends.needs_libpq()
        own = backends.Cluster()
    except backends.Missing as error:
        unavailable(str(error))
    yield own
    own.close()


@pytest.fixture(autouse=True)
def judged():
    """After each test, every daemon that still runs has kept the rules."""
    yield
    failures = []
    for each in list(Daemon.registry):
        try:
            each.verify()
        except AssertionError as error:
            failures.append(str(error))
    assert not failures, "\n".join(failures)


@pytest.fixture
def tmp():
    """A private folder with a short name (socket paths are short)."""
    with folder() as path:
        yield path


@pytest.fixture(scope="session")
def alice(daemon):
    """A user for tests that look at no whole list."""
    return sign_up(daemon, "Alice")


@pytest.fixture(scope="session")
def bob(daemon):
    """Another user, whose things are none of Alice's business."""
    return sign_up(daemon, "Bob")


@pytest.fixture
def user(daemon):
    """A new user without tasks."""
    return sign_up(daemon)
