"""Calls an agent with nothing but the standard library: one POST, one JSON object each way.

    OUTRIDER_TOKEN=... python3 caller.py http://127.0.0.1:8085 summarizer "Some text."
"""

import json
import os
import sys
import urllib.error
import urllib.request


def execute(base_url: str, agent: str, text: str, timeout_seconds: float = 30) -> str:
    request = urllib.request.Request(
        f"{base_url}/agents/{agent}/execute",
        data=json.dumps({"input": text, "timeout_seconds": timeout_seconds}).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {os.environ.get('OUTRIDER_TOKEN', '')}",
        },
    )
    with urllib.request.urlopen(request, timeout=timeout_seconds + 1) as reply:
        return json.load(reply)["output"]


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(f"usage: {sys.argv[0]} URL AGENT INPUT")
    try:
        print(execute(*sys.argv[1:]))
    except urllib.error.HTTPError as error:
        sys.exit(f"{error.code}: {json.load(error)['error']['message']}")
    except urllib.error.URLError as error:
        sys.exit(f"not reached: {error.reason}")
