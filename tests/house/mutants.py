"""The list of mutants keeps up with the sources."""

import collections
import importlib.util

from house import TOP, Tap, read

tap = Tap()
spec = importlib.util.spec_from_file_location(
    "mutants_list", f"{TOP}/tests/mutants/mutants.py")
listed = importlib.util.module_from_spec(spec)
spec.loader.exec_module(listed)

names = collections.Counter(name for name, *_ in listed.MUTANTS)
tap.check("each mutant has a name of its own",
          [f"{name} is there {count} times" for name, count in names.items()
           if count > 1])

tap.check("the text of each mutant is in its file, once",
          [f"{name}: its text is {count} times in {path}"
           for name, path, text, _, _ in listed.MUTANTS
           for count in [read(path).count(text)] if count != 1])

tap.done()
