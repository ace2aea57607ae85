"""Call a URL that monitors a job, in the form of healthchecks: a GET, whose answer counts by its status alone."""

import http.client
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from urllib.parse import unquote, urlsplit

from asynclog.version import VERSION

_TRIES = 2


def call(url: str, timeout: float) -> str:
    """Call this URL, a second time if that fails; return why it failed, empty if it did not.

    Only the host is named: the rest of such a URL is a secret.
    """
    why = ""
    for _ in range(_TRIES):
        why = _call_once(url, timeout)
        if not why:
            return ""
    return f"{urlsplit(url).hostname} was called {_TRIES} times: {why}"


def _call_once(url: str, timeout: float) -> str:
    """Call in a thread that is left alone once its time is up: a server may send a byte a second for ever."""
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(_answer(url, timeout)), daemon=True)
    thread.start()
    thread.join(timeout)
    return answers[0] if answers else _late(timeout)


def _late(timeout: float) -> str:
    return f"no answer within {timeout:g} s"


def _request(url: str) -> urllib.request.Request:
    """Return the request. A name and a password in the URL go into a header (RFC 7617), to this host and no other."""
    parts = urlsplit(url)
    login, _, place = parts.netloc.rpartition("@")
    url = parts._replace(netloc=place).geturl()
    request = urllib.request.Request(url, headers={"User-Agent": f"asynclog/{VERSION}"})  # noqa: S310 - http or https
    if login:
        request.add_unredirected_header("Authorization", f"Basic {b64encode(unquote(login).encode()).decode()}")
    return request


def _answer(url: str, timeout: float) -> str:
    request = _request(url)
    try:
        with urllib.request.urlopen(request, timeout=timeout):  # noqa: S310 - as above
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        return f"HTTP status {error.code}"
    except TimeoutError:
        return _late(timeout)
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            return _late(timeout)
        return str(getattr(error.reason, "strerror", None) or error.reason)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return str(getattr(error, "strerror", None) or error) or type(error).__name__
