"""The agent of ../agent-node in Python, standard library only. See its head for the endpoints.

Runs on Python 3.9 and later.
"""

import json
import os
import re
import signal
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = os.environ.get("AGENT_NAME", "gist-python")
VERSION = os.environ.get("AGENT_VERSION", "0.0.0")
PORT = int(os.environ.get("PORT", "8081"))
SIDECAR = os.environ.get("OUTRIDER_LOCAL_URL", "http://127.0.0.1:9090")
COSTS = os.environ.get("OUTRIDER_COST_URL", SIDECAR)
MAX_BODY = 2**20
# Prices in nano-dollars a word; a word stands for a token.
INPUT_PRICE, OUTPUT_PRICE = 150, 600

stats = {"invocations": 0, "streams_open": 0, "streams_finished": 0, "streams_cancelled": 0}
stats_lock = threading.Lock()
# The helpers are on this machine: a proxy from the environment has no business between.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class HttpError(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def count(**changes):
    with stats_lock:
        for name, change in changes.items():
            stats[name] += change


def words_of(text):
    return re.findall(r"[^\W_]+", text.lower())


def gist(text):
    """The sentence that holds most of what its text speaks of most: words are worth as much as they are frequent."""
    words = words_of(text)
    frequency = {}
    for word in words:
        if len(word) > 3:
            frequency[word] = frequency.get(word, 0) + 1
    best, most = text.strip(), -1.0
    for sentence in re.split(r"(?<=[.!?])\s+", best):
        own = words_of(sentence)
        worth = sum(frequency.get(word, 0) for word in own) / max(len(own), 1)
        if worth > most:
            best, most = sentence, worth
    output = "In short: " + best
    usage = {"input_tokens": len(words), "output_tokens": len(words_of(output))}
    nanos = usage["input_tokens"] * INPUT_PRICE + usage["output_tokens"] * OUTPUT_PRICE
    return {"output": output, "model": "gist-1", "usage": usage, "cost_usd": nanos / 1e9}


def text_of(body, name):
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise HttpError(400, name + ": expected text")
    return value


class Agent(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 75  # seconds a kept connection may be idle
    disable_nagle_algorithm = True  # head and body are two small writes

    # --- what it serves

    def post_invoke(self, body):
        count(invocations=1)
        answer = gist(text_of(body, "input"))
        return {"agent": NAME, "version": VERSION, **answer, "cost_event": self.record_cost(answer)}

    def post_stream(self, body):
        answer = gist(text_of(body, "input"))
        delay = body.get("delay_ms")
        known = isinstance(delay, (int, float)) and not isinstance(delay, bool)
        seconds = min(max(delay, 0), 10_000) / 1000 if known else 0.02
        count(streams_open=1)
        try:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Cache-Control", "no-store")
            # Without a length the stream ends where the connection does.
            self.send_header("Connection", "close")
            self.end_headers()
            # As models do it: the pieces are the answer, put one behind the other.
            for piece in re.split(r"(?<= )", answer["output"]):
                self.send_event("token", {"text": piece})
                time.sleep(seconds)
            self.send_event("done", {**answer, "cost_event": self.record_cost(answer)})
            count(streams_finished=1)
        except OSError:
            # The caller has left: what it no longer wants is not made.
            self.close_connection = True
            count(streams_cancelled=1)
        finally:
            count(streams_open=-1)

    def post_delegate(self, body):
        peer = text_of(body, "peer")
        params = {"message": text_of(body, "text")}
        return {"peer": peer, "result": self.ask_sidecar("/a2a/", peer, {"params": params})}

    def post_tools(self, body):
        server = text_of(body, "server")
        rpc = {"method": "tools/list", "params": {}}
        if "tool" in body:
            arguments = body.get("arguments", {})
            rpc = {"method": "tools/call", "params": {"name": text_of(body, "tool"), "arguments": arguments}}
        return {"server": server, "result": self.ask_sidecar("/mcp/", server, rpc)}

    def post_a2a(self, body):
        reply = {"jsonrpc": "2.0", "id": body.get("id")}
        if body.get("method") != "tasks/send":
            return {**reply, "error": {"code": -32601, "message": "only tasks/send is known"}}
        params = body.get("params")
        message = params.get("message") if isinstance(params, dict) else None
        if not isinstance(message, str):
            return {**reply, "error": {"code": -32602, "message": "params.message: expected text"}}
        return {**reply, "result": {"agent": NAME, "status": "completed", "output": gist(message)["output"]}}

    def get_stats(self, _body):
        with stats_lock:
            return dict(stats)

    def get_openapi(self, _body):
        return openapi()

    routes = {
        "/invoke": {"POST": post_invoke},
        "/stream": {"POST": post_stream},
        "/delegate": {"POST": post_delegate},
        "/tools": {"POST": post_tools},
        "/a2a": {"POST": post_a2a},
        "/stats": {"GET": get_stats},
        "/openapi.json": {"GET": get_openapi},
    }

    # --- what it asks of the sidecar

    def ask_sidecar(self, prefix, name, rpc):
        """Calls one of the sidecar's JSON-RPC helpers and gives the result."""
        try:
            status, raw = self.post(SIDECAR + prefix + urllib.parse.quote(name, safe=""), rpc, 60)
            reply = json.loads(raw)
        except (OSError, ValueError):
            raise HttpError(502, "a helper could not be reached") from None
        if status < 300 and "error" not in reply:
            return reply.get("result")
        error = reply.get("error")
        why = error if isinstance(error, str) else (error or {}).get("message")
        raise HttpError(502 if status < 300 else status, why or "the sidecar gave no reason")

    def record_cost(self, answer):
        """Tells the sidecar what the answer cost; an answer is not withheld because its price was not written down."""
        event_id = str(uuid.uuid4())
        event = {"event_id": event_id, "model": answer["model"], **answer["usage"], "cost_usd": answer["cost_usd"]}
        try:
            return event_id if self.post(COSTS + "/cost", event, 2)[0] == 202 else None
        except OSError:
            return None

    def post(self, url, body, timeout):
        """The caller's trace goes on through every call."""
        headers = {"Content-Type": "application/json"}
        for name in ("traceparent", "tracestate"):
            if name in self.headers:
                headers[name] = self.headers[name]
        request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
        try:
            with opener.open(request, timeout=timeout) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    # --- HTTP

    def serve(self):
        self.body_read = self.command != "POST"
        with in_flight:
            try:
                self.answer()
            except HttpError as error:
                self.send_json(error.status, {"error": str(error)})
            except (ConnectionError, TimeoutError):
                self.close_connection = True

    def answer(self):
        route = self.routes.get(self.path.split("?", 1)[0])
        if route is None:
            raise HttpError(404, "not found")
        if self.command not in route:
            raise HttpError(405, "method not allowed")
        body = self.read_json() if self.command == "POST" else {}
        answer = route[self.command](self, body)
        if answer is not None:
            self.send_json(200, answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = serve

    def read_json(self):
        try:
            raw = self.read_chunked() if "Transfer-Encoding" in self.headers else self.read_sized()
            value = json.loads(raw)
        except (ValueError, RecursionError):
            raise HttpError(400, "expected a JSON object") from None
        if not isinstance(value, dict):
            raise HttpError(400, "expected a JSON object")
        return value

    def read_sized(self):
        length = int(self.headers.get("Content-Length", "0"))
        if not 0 <= length <= MAX_BODY:
            raise HttpError(413, "the body is larger than %d bytes" % MAX_BODY)
        raw = self.rfile.read(length)
        self.body_read = True
        return raw

    def read_chunked(self):
        parts, total = [], 0
        while True:
            size = int(self.rfile.readline(1024).split(b";", 1)[0], 16)
            total += size
            if size < 0 or total > MAX_BODY:
                raise HttpError(413, "the body is larger than %d bytes" % MAX_BODY)
            if size == 0:
                break
            parts.append(self.rfile.read(size))
            self.rfile.readline(1024)
        while self.rfile.readline(1024) not in (b"\r\n", b"\n", b""):
            pass
        self.body_read = True
        return b"".join(parts)

    def send_json(self, status, value):
        raw = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        # What was not read of a body would be taken for the next request.
        if stopping.is_set() or not self.body_read:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(raw)

    def send_event(self, event, value):
        self.wfile.write(("event: %s\ndata: %s\n\n" % (event, json.dumps(value))).encode())

    def log_message(self, *_args):
        pass  # the sidecar traces every request


def openapi():
    string = {"type": "string"}

    def operation(summary, required, media="application/json", **more):
        schema = {"type": "object", "required": required, "properties": {**dict.fromkeys(required, string), **more}}
        answer = {"description": "The answer", "content": {media: {"schema": {}}}}
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        return {"post": {"summary": summary, "requestBody": body, "responses": {"200": answer}}}

    anything = {"type": "object"}
    return {
        "openapi": "3.1.0",
        "info": {"title": NAME, "version": VERSION},
        "paths": {
            "/invoke": operation("Say what a text is about", ["input"]),
            "/stream": operation("The same, word by word", ["input"], "text/event-stream", delay_ms={"type": "number"}),
            "/delegate": operation("Ask another agent", ["peer", "text"]),
            "/tools": operation("List an MCP server's tools, or call one", ["server"], tool=string, arguments=anything),
            "/a2a": operation("JSON-RPC 2.0: tasks/send", ["method"], params=anything),
            "/stats": {"get": {"summary": "Counters", "responses": {"200": {"description": "The counters"}}}},
        },
    }


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class InFlight:
    """Counts requests, so that the end can wait for the last one."""

    def __init__(self):
        self.number = 0
        self.changed = threading.Condition()

    def __enter__(self):
        with self.changed:
            self.number += 1

    def __exit__(self, *_error):
        with self.changed:
            self.number -= 1
            self.changed.notify_all()

    def wait_for_none(self):
        with self.changed:
            self.changed.wait_for(lambda: self.number == 0)


stopping = threading.Event()
in_flight = InFlight()


def main():
    try:
        # Loopback only: the way in is through the sidecar.
        server = Server(("127.0.0.1", PORT), Agent)
    except OSError as error:
        sys.exit("%s cannot listen on 127.0.0.1:%d: %s" % (NAME, PORT, error))

    def stop(*_signal):
        if not stopping.is_set():
            stopping.set()
            # It waits for serve_forever, which is what this handler interrupted.
            threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print("%s listens on 127.0.0.1:%d" % (NAME, PORT), flush=True)
    # No new connections after a signal; requests in flight are finished; connections that are only kept end with us.
    with server:
        server.serve_forever(poll_interval=0.1)
    in_flight.wait_for_none()


if __name__ == "__main__":
    main()
