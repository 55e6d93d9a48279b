"""Makes a chosen call of the daemon fail: tests/support/faultshim.c, preloaded.

A Shim is built once and has a small file that the library maps as well: arm()
and lift() change the fault while the daemon runs, calls and failed count.
"""

import dataclasses
import mmap
import os
import pathlib
import shlex
import struct
import subprocess

from daemon import SOURCE_TOP, binary, seconds, unavailable

# struct fault of the library: function, mode, processes, the process that was
# struck, nothing, at, calls, failed.
LAYOUT = struct.Struct("=16sIIIIQQQ")
MODES = {"count": 0, "once": 1, "always": 2, "hang": 3}
PROCESSES = {"first": 1, "children": 2, "all": 3}


@dataclasses.dataclass
class Fault:
    """One case: in which phase the k-th call of what fails, and how long."""

    phase: str
    function: str
    at: int
    mode: str

    def __str__(self):
        return f"{self.phase} {self.function} {self.at} {self.mode}"

    @classmethod
    def wanted(cls):
        """The one case that TODOD_TEST_FAULT names, or None."""
        words = os.environ.get("TODOD_TEST_FAULT", "").split()
        if not words:
            return None
        phase, function, at, mode = words
        return cls(phase, function, int(at), mode)


class Shim:
    """The library, and the file by which it is told what fails."""

    def __init__(self, folder):
        self.library = pathlib.Path(folder) / "faultshim.so"
        self.path = pathlib.Path(folder) / "fault"
        self._build()
        # libcrypto leaks some bytes of its own where memory fails.
        self.suppressions = pathlib.Path(folder) / "suppressions"
        self.suppressions.write_text("leak:libcrypto.so\n")
        self.path.write_bytes(bytes(LAYOUT.size))
        with self.path.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), LAYOUT.size)

    def _build(self):
        compiler = shlex.split(os.environ.get("CC", "cc"))
        built = subprocess.run(
            [*compiler, "-std=gnu11", "-g", "-O1", "-fPIC", "-shared",
             "-fno-omit-frame-pointer", "-Wall", "-Werror",
             "-I", str(pathlib.Path(binary()).parent), "-o", self.library,
             SOURCE_TOP / "tests/support/faultshim.c", "-ldl"],
            capture_output=True, text=True, timeout=seconds(60), check=False)
        if built.returncode != 0:
            unavailable(f"no library of faults: {built.stderr}")

    def environment(self):
        """What a daemon needs to be under the shim; a sanitizer's allocator
        must come after it."""
        options = os.environ.get("ASAN_OPTIONS")
        return {"LD_PRELOAD": self.library, "FAULTSHIM": self.path,
                "ASAN_OPTIONS": ":".join(filter(None, [
                    options, "verify_asan_link_order=0"])),
                "LSAN_OPTIONS": f"suppressions={self.suppressions}:"
                                "print_suppressions=0"}

    def _write(self, function, mode, processes, at):
        # Not counted and not failing while it changes.
        self.map[:16] = bytes(16)
        LAYOUT.pack_into(self.map, 0, b"", MODES[mode], PROCESSES[processes],
                         0, 0, at, 0, 0)
        self.map[:16] = function.encode().ljust(16, b"\0")

    def count(self, function, processes="children"):
        """From now on its calls are counted, and none fails."""
        self._write(function, "count", processes, 0)

    def arm(self, fault, processes="children"):
        """From now on the calls are counted and the one of the fault fails."""
        self._write(fault.function, fault.mode, processes, fault.at)

    def lift(self):
        """No call fails any more; what was counted stays."""
        self.map[:16] = bytes(16)

    @property
    def calls(self):
        return LAYOUT.unpack_from(self.map)[6]

    @property
    def failed(self):
        return LAYOUT.unpack_from(self.map)[7]
