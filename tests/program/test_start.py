"""Starting: command line, configuration, errors that tell the remedy."""

import os
import pwd
import re
import socket
import stat

import pytest

from daemon import SECRET, Daemon, run_todod
from users import sign_in, sign_up

USAGE, DATA, UNAVAILABLE, OS_ERROR, CONFIG = 64, 65, 69, 71, 78
OPTIONS = ["config", "environment", "database-url", "data-dir", "host", "port",
           "workers", "user", "tasks-dialect", "accounts",
           "jwt-secret-key-file", "jwt-allow-weak-secret", "cors-origins",
           "frontend-base-url", "log-level", "log-format", "drain-timeout",
           "max-connections", "proxy-protocol", "tls-cert", "tls-key", "request-timeout",
           "hash-memory-kib", "hash-passes", "hash-threads", "hash-queue"]
LIBRARIES = ["libevent", "sqlite", "libsodium", "libjwt", "cjson",
             "utf8proc"]
GOOD_SECRET = "x" * 32


def refuses(done, code, *words):
    """The start failed with the code, and stderr says these words."""
    codes = code if isinstance(code, tuple) else (code,)
    assert done.returncode in codes, (done.returncode, done.stderr)
    assert done.stderr.strip()
    for word in words:
        assert word.lower() in done.stderr.lower(), (word, done.stderr)
    assert not re.search(r"^Traceback|Aborted|core dumped", done.stderr, re.M)


def dump(folder, *args, **options):
    done = run_todod("--dump-config", *args, folder=folder, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- telling

@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_every_option(tmp, flag):
    done = run_todod(flag, folder=tmp, bare=True)
    assert (done.returncode, done.stderr) == (0, "")
    for name in OPTIONS:
        assert f"--{name}" in done.stdout, name
    for word in ("serve", "migrate", "backup", "--version", "--check-config",
                 "--dump-config", "--print-env-example"):
        assert word in done.stdout, word


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version_names_the_libraries_in_use(tmp, flag):
    done = run_todod(flag, folder=tmp, bare=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"todod \d+\.\d+\.\d+", done.stdout)
    for name in LIBRARIES:
        assert re.search(rf"{name}\W+\d+\.\d+", done.stdout, re.I), name


def test_telling_leaves_nothing_behind(tmp):
    for flag in ("--help", "--version", "--check-config", "--dump-config",
                 "--print-env-example", "--print-conf-example"):
        assert run_todod(flag, folder=tmp).returncode == 0, flag
    assert os.listdir(tmp) == []


def test_the_env_example_names_the_variables(tmp):
    done = run_todod("--print-env-example", folder=tmp, bare=True)
    assert done.returncode == 0
    # USER is the shell's, so that option has a variable of another name.
    for name in ("JWT_SECRET_KEY", "TODOD_USER",
                 *(each.upper().replace("-", "_") for each in OPTIONS
                   if each not in ("config", "user"))):
        assert re.search(rf"^#? ?{name}=", done.stdout, re.M), name


def test_the_printed_examples_are_accepted(tmp):
    conf = tmp / "todod.conf"
    conf.write_text(run_todod("--print-conf-example", folder=tmp,
                              bare=True).stdout)
    done = run_todod("--check-config", "--config", conf, folder=tmp)
    assert done.returncode == 0, done.stderr
    (tmp / ".env").write_text(run_todod("--print-env-example", folder=tmp,
                                        bare=True).stdout)
    done = run_todod("--check-config", folder=tmp, bare=True)
    assert done.returncode == 0, done.stderr


def test_dump_config_hides_secrets(tmp):
    shown = dump(tmp, env={
        "DATABASE_URL": "sqlite:///here.db",
        "CORS_ORIGINS": "https://shown.example"})
    assert SECRET not in shown
    assert "https://shown.example" in shown
    assert "here.db" in shown


@pytest.mark.parametrize("url, kept", [
    ("postgresql://ada:S3cr%23t@h/db", ["ada", "@h/db"]),
    ("postgresql://ada:S3cr#et@h/db", ["ada", "@h/db"]),
    ("postgresql://ada:S3cret:S3cret@h/db", ["ada", "@h/db"]),
    ("postgresql://ada@h/db?password=S3cret&sslmode=require",
     ["ada@h/db?password=", "&sslmode=require"]),
    ("postgresql://ada@h/db?application_name=x&sslpassword=S3cret",
     ["?application_name=x&sslpassword="])])
def test_dump_config_hides_the_passwords_of_a_url(tmp, url, kept):
    shown, = re.findall(r"(?m)^database-url.*$", dump(
        tmp, env={"DATABASE_URL": url}))
    assert "S3cr" not in shown and "(hidden)" in shown
    for part in kept:
        assert part in shown


@pytest.mark.parametrize("url, word", [
    ("postgresql://ada:a/S3cret@h/db", "%2F"),
    ("postgresql://ada:first?S3cret@h/db", "%3F"),
    ("postgresql://ada:first?S3cr=et@h/db", "%3F")])
def test_a_password_is_not_quoted_in_a_refusal(tmp, url, word):
    done = run_todod("--dump-config", folder=tmp, env={"DATABASE_URL": url})
    refuses(done, CONFIG, word)
    assert "S3cr" not in done.stdout + done.stderr


# -- sources and their order

def test_flags_win_over_the_environment_over_env_file_over_conf(tmp):
    conf = tmp / "my.conf"
    conf.write_text("# a comment\n\ncors-origins = https://conf.example\n")
    dotenv = tmp / ".env"
    none = {"CORS_ORIGINS": None}
    options = ["--config", str(conf)]
    assert "https://conf.example" in dump(tmp, *options, env=none)
    dotenv.write_text("# a comment\nCORS_ORIGINS=https://dotenv.example\n")
    assert "https://dotenv.example" in dump(tmp, *options, env=none)
    env = {"CORS_ORIGINS": "https://env.example"}
    assert "https://env.example" in dump(tmp, *options, env=env)
    flag = "--cors-origins=https://flag.example"
    shown = dump(tmp, *options, flag, env=env)
    assert "https://flag.example" in shown
    for loser in ("conf", "dotenv", "env"):
        assert f"https://{loser}.example" not in shown


def test_a_flag_takes_its_value_in_both_ways(tmp):
    for flags in (["--cors-origins=https://flag.example"],
                  ["--cors-origins", "https://flag.example"]):
        assert "https://flag.example" in dump(tmp, *flags)


def test_the_conf_file_may_come_from_the_environment(tmp):
    conf = tmp / "my.conf"
    conf.write_text("cors-origins = https://conf.example\n")
    assert "https://conf.example" in dump(
        tmp, env={"TODOD_CONF": str(conf)})


def test_the_env_file_is_not_read_in_production(tmp):
    (tmp / ".env").write_text("CORS_ORIGINS=https://dotenv.example\n")
    assert "https://dotenv.example" in dump(tmp)
    assert "https://dotenv.example" not in dump(
        tmp, env={"ENVIRONMENT": "production"})


# -- refusals

@pytest.mark.parametrize("args, word", [
    (["--nonsense"], "nonsense"), (["--portt=1"], "portt"), (["-x"], "-x"),
    (["--port"], "port"), (["fly"], "fly"), (["serve", "extra"], "extra"),
    (["backup"], "backup"), (["migrate", "--nonsense"], "nonsense")])
def test_wrong_usage_is_refused(tmp, args, word):
    refuses(run_todod(*args, folder=tmp), USAGE, word)
    assert not (tmp / "todod.db").exists()


@pytest.mark.parametrize("name, value", [
    ("PORT", "http"), ("PORT", "65536"), ("PORT", "-1"), ("PORT", "80 "
     "81"), ("PORT", "1e3"), ("PORT", "0x50"), ("WORKERS", "many"),
    ("WORKERS", "-1"), ("ENVIRONMENT", "staging"), ("LOG_LEVEL", "loud"),
    ("LOG_FORMAT", "xml"), ("ACCOUNTS", "perhaps"), ("TASKS_DIALECT", "x"),
    ("HASH_PASSES", "0"), ("HASH_MEMORY_KIB", "8"),
    ("HASH_MEMORY_KIB", "19455"), ("DRAIN_TIMEOUT", "soon"),
    ("DATABASE_URL", "mysql://localhost/x"), ("DATABASE_URL", "nonsense"),
    ("DATABASE_URL", "sqlite:///file:x?mode=memory"),
    ("HOST", "not an address"), ("FRONTEND_BASE_URL", "nonsense")])
def test_a_malformed_value_is_refused_by_name(tmp, name, value):
    done = run_todod("--check-config", folder=tmp, env={name: value})
    refuses(done, CONFIG)
    flag = name.lower().replace("_", "-")
    assert name in done.stderr or flag in done.stderr, done.stderr


def test_a_refused_configuration_does_not_start(tmp):
    refuses(run_todod(folder=tmp, env={"PORT": "http"}), CONFIG, "port")
    assert os.listdir(tmp) == []


@pytest.mark.parametrize("line, word", [
    ("colour = red", "colour"), ("port = http", "port"),
    ("no equals sign", "todod.conf"), ("= x", "todod.conf"),
    ("PORT = 1", "PORT"), ("config = other", "config")])
def test_a_bad_line_of_the_conf_file_is_named(tmp, line, word):
    conf = tmp / "todod.conf"
    conf.write_text(f"# first\nlog-level = info\n{line}\n")
    done = run_todod("--config", conf, "--check-config", folder=tmp,
                     env={"PORT": None})
    refuses(done, CONFIG, word)
    assert re.search(r"todod\.conf:3\b|todod\.conf.{0,20}line 3\b",
                     done.stderr), done.stderr


def test_a_missing_conf_file_is_refused(tmp):
    refuses(run_todod("--config", tmp / "none.conf", "--check-config",
                      folder=tmp), (CONFIG, 66), "none.conf")


def test_a_port_in_use_is_refused(tmp):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refuses(run_todod(folder=tmp, env={"PORT": port}),
                (UNAVAILABLE, OS_ERROR), "in use", str(port))


def test_a_second_todod_does_not_share_the_port(tmp):
    with Daemon() as daemon:
        refuses(run_todod(folder=tmp, env={"PORT": daemon.port}),
                (UNAVAILABLE, OS_ERROR), "in use")
        assert daemon.http.get("/health").status_code == 200


# -- secrets

@pytest.mark.parametrize("secret", ["", "tooshrt", "x" * 31,
                                    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZI"
                                    "zj0CAQ\n-----END PUBLIC KEY-----"],
                         ids=len)
def test_a_weak_secret_is_refused(tmp, secret):
    done = run_todod("--check-config", folder=tmp, env={
        "ENVIRONMENT": "production", "JWT_SECRET_KEY": secret})
    refuses(done, CONFIG, "JWT_SECRET_KEY")
    assert not secret or secret not in done.stderr


def test_a_short_secret_is_refused_in_development_too(tmp):
    env = {"JWT_SECRET_KEY": "short"}
    refuses(run_todod("--check-config", folder=tmp, env=env), CONFIG,
            "JWT_SECRET_KEY", "32")
    done = run_todod("--check-config", "--jwt-allow-weak-secret=yes",
                     folder=tmp, env=env)
    assert done.returncode == 0, done.stderr
    refuses(run_todod("--check-config", "--jwt-allow-weak-secret=yes",
                      folder=tmp, env={**env, "ENVIRONMENT": "production"}),
            CONFIG)


def test_a_secret_of_32_bytes_is_enough(tmp):
    done = run_todod("--check-config", folder=tmp,
                     env={"JWT_SECRET_KEY": GOOD_SECRET})
    assert done.returncode == 0, done.stderr


def test_production_needs_a_secret(tmp):
    refuses(run_todod("--check-config", folder=tmp, env={
        "ENVIRONMENT": "production", "JWT_SECRET_KEY": None}),
        CONFIG, "JWT_SECRET_KEY")
    assert os.listdir(tmp) == []


def test_the_secret_may_come_from_a_file(tmp):
    path = tmp / "key"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    with Daemon("--jwt-secret-key-file", path, folder=tmp,
                env={"JWT_SECRET_KEY": None}) as daemon:
        user = sign_up(daemon)
        assert user.list() == []        # by a token made with SECRET


def test_an_unreadable_secret_file_is_refused(tmp):
    refuses(run_todod("--jwt-secret-key-file", tmp / "none", "--check-config",
                      folder=tmp, env={"JWT_SECRET_KEY": None}),
            (CONFIG, 66), "none")


def test_development_makes_a_secret_once_and_keeps_it(tmp):
    env = {"JWT_SECRET_KEY": None}
    with Daemon(folder=tmp, env=env) as daemon:
        user = sign_up(daemon)
        token = sign_in(daemon, user.email).json()["access_token"]
        told = [line for line in daemon.lines
                if "secret" in line["text"].lower()
                or "key" in line["text"].lower()]
        assert told
    made = [path for path in tmp.iterdir()
            if path.suffix != ".db" and path.stat().st_size >= 32]
    assert len(made) == 1, made
    assert stat.S_IMODE(made[0].stat().st_mode) == 0o600
    before = made[0].read_bytes()
    assert before.strip().decode("latin-1") not in daemon._story("")
    with Daemon(folder=tmp, env=env) as daemon:
        response = daemon.http.get(user.tasks, headers={
            "Authorization": f"Bearer {token}"})
        assert response.status_code == 200
    assert made[0].read_bytes() == before


# -- starting at all

def test_it_starts_with_nothing_but_a_folder(tmp):
    """Development on SQLite is the default, in ./todod.db."""
    with Daemon(folder=tmp, bare=True) as daemon:
        assert {address for address, _ in daemon.addresses} <= {
            "127.0.0.1", "::1"}
        assert sign_up(daemon).id
        assert (tmp / "todod.db").exists()


def test_it_starts_quickly(tmp):
    with Daemon(folder=tmp):
        pass
    with Daemon(folder=tmp) as daemon:
        first, ready = daemon.lines[0], daemon.logged("ready")[0]
        started, done = (float(line["ts"].rstrip("Z").rpartition(":")[2])
                         for line in (first, ready))
        assert (done - started) % 60 < 1


def test_serve_is_the_default_command(tmp):
    with Daemon("serve", folder=tmp) as daemon:
        assert daemon.http.get("/health").status_code == 200


def test_the_number_of_workers_is_told(tmp):
    with Daemon("--workers=3", folder=tmp, env={"WORKERS": None}) as daemon:
        assert daemon.logged("ready")[0]["workers"] == 3
        assert len(set(daemon.workers().values())) == 3


# -- as root

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


@needs_root
def test_root_without_a_usable_user_is_refused_in_production(tmp):
    refuses(run_todod("--user=no-such-user", folder=tmp,
                      env={"ENVIRONMENT": "production"}),
            (CONFIG, OS_ERROR, 67, 77), "no-such-user")


@needs_root
def test_root_becomes_the_given_user_in_production(tmp):
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp, nobody.pw_uid, nobody.pw_gid)
    with Daemon("--user=nobody", folder=tmp,
                env={"ENVIRONMENT": "production"}) as daemon:
        assert sign_up(daemon).list() == []
        for pid in [daemon.process.pid, *daemon.workers().values()]:
            with open(f"/proc/{pid}/status") as status:
                text = status.read()
            ids = re.search(r"^Uid:\s+(\d+)\s+(\d+)\s+(\d+)", text, re.M)
            groups = re.search(r"^Groups:(.*)$", text, re.M)[1].split()
            assert set(ids.groups()) == {str(nobody.pw_uid)}, pid
            assert "0" not in groups, pid


@needs_root
def test_root_in_development_runs_as_the_owner_of_the_folder(tmp):
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp, nobody.pw_uid, nobody.pw_gid)
    with Daemon(folder=tmp) as daemon:
        assert sign_up(daemon).list() == []
        pid = next(iter(daemon.workers().values()))
        assert os.stat(f"/proc/{pid}").st_uid == nobody.pw_uid
        assert (tmp / "todod.db").stat().st_uid == nobody.pw_uid


@needs_root
def test_root_in_development_serves_only_this_machine(tmp):
    refuses(run_todod(folder=tmp, env={"HOST": "0.0.0.0"}),
            (CONFIG, OS_ERROR, 77), "root")
