"""Writers that keep a journal of what was answered, and its comparison with
what is there in the end: every acknowledged write exactly once."""

import threading
import time

import httpx

from client import checking

UNKNOWN = {"detail": "The outcome of the write is not known"}


class Writer(threading.Thread):
    """Creates tasks for one user, and with flips also toggles one of its own
    after each, until it is told to finish."""

    def __init__(self, daemon, user, number, finished, flips=False):
        super().__init__(daemon=True)
        self.todod = daemon
        self.user = user
        self.number = number
        self.finished = finished
        self.acknowledged = []
        self.unknown = []       # what became of it was not said
        self.error = None
        self.longest_gap = 0
        self.flipped = user.create(f"flipped {number}") if flips else None
        self.is_certain = True  # since the last toggle
        self.last = time.monotonic()

    def run(self):
        self.http = checking(self.todod)
        try:
            count = 0
            while not self.finished.is_set():
                count += 1
                self.create(f"writer {self.number} task {count}")
                if self.flipped:
                    self.flip()
        except BaseException as error:
            self.error = error
        finally:
            self.http.close()

    def ask(self, method, path, status, **options):
        """The response; None: nothing was written; False: who knows."""
        try:
            response = self.http.request(method, path, headers=self.user.auth,
                                         **options)
        except httpx.TransportError as error:
            self.http.close()
            self.http = checking(self.todod)
            return None if isinstance(error, httpx.ConnectError) else False
        if response.status_code == 503:
            assert "retry-after" in response.headers
            return False if response.json() == UNKNOWN else None
        assert response.status_code == status, response.text
        now = time.monotonic()
        self.longest_gap = max(self.longest_gap, now - self.last)
        self.last = now
        return response.json()

    def create(self, title):
        answer = self.ask("POST", self.user.tasks, 201, json={"title": title})
        if answer:
            self.acknowledged.append(title)
        elif answer is False:
            self.unknown.append(title)

    def flip(self):
        path = self.user.task(self.flipped["id"], "/complete")
        answer = self.ask("PATCH", path, 200)
        if answer:
            assert not self.is_certain or (
                answer["completed"] != self.flipped["completed"]), \
                f"writer {self.number}: a toggle was done twice, or not at all"
            self.flipped = answer
            self.is_certain = True
        elif answer is False:
            self.is_certain = False


def compare(writers, kept):
    """What the writers were told with the titles that were kept."""
    kept = [title for title in kept if not title.startswith("flipped ")]
    acknowledged = {title for writer in writers
                    for title in writer.acknowledged}
    unknown = {title for writer in writers for title in writer.unknown}
    assert len(kept) == len(set(kept)), "a create was done twice"
    assert acknowledged <= set(kept), "an acknowledged create is missing"
    assert set(kept) <= acknowledged | unknown, "a refused create was done"
