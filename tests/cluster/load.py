"""Requests one after the other on several threads until standard input ends; prints how many there were and what failed.

Runs in a pod, by Python alone: python -I -c CODE URL BODY. Each request has a connection of its own, so that the Service
chooses a pod for each.
"""

import http.client
import json
import sys
import threading
import time
import urllib.parse

THREADS = 4
PAUSE_SECONDS = 0.05
# Something between here and the cluster may close a connection on which nothing is said.
BEAT_SECONDS = 20


def main() -> None:
    url, body = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2].encode()
    ended = threading.Event()
    answered: list[int] = []
    failed: list[str] = []

    def fail(why: str) -> None:
        failed.append(why)
        # What is refused at once would be asked again at once.
        time.sleep(PAUSE_SECONDS)

    def ask() -> None:
        while not ended.is_set():
            connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)
            try:
                connection.request("POST", url.path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status == 200:
                    answered.append(1)
                else:
                    fail(f"{answer.status} {text[:200]!r}")
            except (OSError, http.client.HTTPException) as error:
                fail(repr(error))
            finally:
                connection.close()

    def beat() -> None:
        while not ended.wait(BEAT_SECONDS):
            sys.stderr.write("\n")
            sys.stderr.flush()

    threads = [threading.Thread(target=beat), *(threading.Thread(target=ask) for _ in range(THREADS))]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    ended.set()
    for thread in threads:
        thread.join()
    json.dump({"answered": len(answered), "failed": failed}, sys.stdout)


main()
