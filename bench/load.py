"""The load: files of requests, and wrk or h2load to send them."""

import json
import os
import pathlib
import re
import subprocess

import stats

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 30
ERRORS = ("connect", "read", "write", "status", "timeout")


class Broken(Exception):
    """The program that makes the load does not do it."""


def raw(method, path, token=None, body=None):
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    text = ""
    if body is not None:
        text = json.dumps(body, separators=(",", ":"))
        lines += ["Content-Type: application/json",
                  f"Content-Length: {len(text.encode())}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + text).encode()


def write_requests(path, requests):
    with open(path, "wb") as file:
        for request in requests:
            file.write(b"%d\n%s" % (len(request), request))


def parse_wrk(text):
    """What the script said at the end."""
    found = re.search(r"^@@(\{.*\})$", text, re.M)
    if not found:
        raise Broken(f"wrk: {text.strip()[-500:]}")
    # Of no request there is no mean.
    said = json.loads(re.sub(r":-?(nan|inf)\b", ":0", found.group(1)))
    return finished(said)


def finished(said):
    """The same numbers, and those that follow from them."""
    seconds = said.pop("duration_us") / 1e6
    kinds = {kind: said.pop(kind) for kind in ERRORS}
    return {**said, "seconds": seconds,
            "rps": said["requests"] / seconds if seconds else 0,
            "errors": sum(kinds.values()), "errors_by_kind": kinds}


def run_wrk(port, requests, connections, seconds, offset=0):
    """One run; also the processor time that wrk itself has used."""
    return parse_wrk(output_of([
        "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
        "--timeout", f"{TIMEOUT_S}s", "-s", str(HERE / "replay.lua"),
        f"http://127.0.0.1:{port}", "--", str(requests), str(offset)]))


def output_of(command, **options):
    """What a program prints; it ends with us."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, **options)
    try:
        text = process.communicate()[0]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise Broken(f"{command[0]}: {text.strip()[-500:]}")
    return text


def parse_h2load(text, times_us):
    """What h2load prints, and the times of its log: it knows no percentiles
    itself."""
    seconds = re.search(r"^finished in ([\d.]+)(us|ms|s|m)", text, re.M)
    counts = re.search(r"^requests: .*?(\d+) done, (\d+) succeeded,"
                       r" (\d+) failed, (\d+) errored, (\d+) timeout",
                       text, re.M)
    size = re.search(r"^traffic: .*?\((\d+)\)", text, re.M)
    if not seconds or not counts:
        raise Broken(f"h2load: {text.strip()[-500:]}")
    unit = {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6}[seconds.group(2)]
    done, _, failed, errored, timeout = map(int, counts.groups())
    return finished({
        "requests": done, "duration_us": float(seconds.group(1)) * unit,
        "bytes": int(size.group(1)) if size else 0,
        "connect": 0, "read": errored, "write": 0,
        "status": failed - errored - timeout, "timeout": timeout,
        "mean_us": sum(times_us) / len(times_us) if times_us else 0,
        "p50_us": stats.percentile(times_us, 50) or 0,
        "p90_us": stats.percentile(times_us, 90) or 0,
        "p99_us": stats.percentile(times_us, 99) or 0,
        "max_us": max(times_us, default=0)})


def parse_request(request):
    """Method, path, the other header fields and the body."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    return method, path, [field for field in fields
                          if not field.startswith(("Host:",
                                                   "Content-Length:"))], body


def run_h2load(port, requests, connections, seconds, offset=0):
    """The first request of the file over and over: h2load knows no other
    way to give each request a token."""
    del offset
    text = pathlib.Path(requests).read_bytes()
    length, _, rest = text.partition(b"\n")
    _, path, fields, body = parse_request(rest[:int(length)])
    log = f"{requests}.times"
    command = ["h2load", "--h1", "-t1", f"-c{connections}", f"-D{seconds}",
               f"--log-file={log}"]
    for field in fields:
        command += ["-H", field]
    if body:
        pathlib.Path(f"{requests}.body").write_bytes(body)
        command += ["-d", f"{requests}.body"]
    said = output_of([*command, f"http://127.0.0.1:{port}{path}"])
    with open(log, encoding="ascii") as file:
        times = [int(line.split("\t")[2]) for line in file]
    os.unlink(log)
    return parse_h2load(said, times)


GENERATORS = {"wrk": run_wrk, "h2load": run_h2load}
