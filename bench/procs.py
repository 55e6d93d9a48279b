"""What processes use, as /proc tells it: processor time and memory."""

import contextlib
import os
import pathlib
import re

TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
PROC = pathlib.Path("/proc")


def read(path):
    """A file of /proc; empty when the process has gone."""
    with contextlib.suppress(OSError):
        return (PROC / path).read_text(encoding="utf-8", errors="replace")
    return ""


def parse_stat(text):
    """Of a line of /proc/PID/stat: the parent, the ticks of the process, those
    of its children that have ended. The name in it may hold anything."""
    fields = text.rpartition(")")[2].split()
    return (int(fields[1]), int(fields[11]) + int(fields[12]),
            int(fields[13]) + int(fields[14]))


def table():
    """All processes, by number."""
    found = {}
    for entry in PROC.glob("[0-9]*"):
        text = read(f"{entry.name}/stat")
        if text:
            found[int(entry.name)] = parse_stat(text)
    return found


def tree(root, processes=None):
    """A process and all that descend from it."""
    processes = processes or table()
    found = {root} & processes.keys()
    while True:
        more = {pid for pid, (parent, _, _) in processes.items()
                if parent in found} - found
        if not more:
            return found
        found |= more


class Clock:
    """The processor time of a tree from now on. What has ended since is
    counted by its parent once it was waited for."""

    def __init__(self, root):
        self.root = root
        self.begin = self._ticks()

    def _ticks(self):
        if self.root is None:
            return {}
        processes = table()
        return {pid: processes[pid][1] + processes[pid][2]
                for pid in tree(self.root, processes)}

    def used_us(self):
        """Microseconds of all processors, in the system's ticks."""
        now = self._ticks()
        return sum(ticks - self.begin.get(pid, 0)
                   for pid, ticks in now.items()) * TICK_US


def pss_kib(root):
    """The memory of a tree, each shared page divided by who shares it."""
    total = 0
    for pid in tree(root):
        found = re.search(r"^Pss:\s+(\d+)", read(f"{pid}/smaps_rollup"), re.M)
        total += int(found.group(1)) if found else 0
    return total


def parse_busy(text):
    """Of /proc/stat: the ticks of all processors, those that were idle, and
    those that another machine has taken."""
    numbers = [int(n) for n in text.split("\n", 1)[0].split()[1:9]]
    return sum(numbers), numbers[3] + numbers[4], numbers[7]


def machine():
    """What it is that was measured on, without its name."""
    model = re.search(r"^model name\s*:\s*(.*)", read("cpuinfo"), re.M)
    memory = re.search(r"^MemTotal:\s+(\d+)", read("meminfo"), re.M)
    return {
        "cpu": model.group(1) if model else os.uname().machine,
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": int(memory.group(1)) // 1024 if memory else None,
        "kernel": f"{os.uname().sysname} {os.uname().release}",
    }
