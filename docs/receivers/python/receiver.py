"""
A receiver of relay's webhooks with Python's standard library only.

    WEBHOOK_SECRET=whsec_... python3 receiver.py [PORT] [FILE]

Keeps the newest record of each subject in the SQLite file. For one process on a small site; behind a real web
server the same three steps stand in a view: verify the raw bytes, upsert by revision, answer 2xx.
"""

import base64
import hmac
import json
import os
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_S = 300
LARGEST_BODY = 1_048_576
KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))

TABLES = """
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS records
    (subject TEXT PRIMARY KEY, revision INTEGER NOT NULL, absorbed_into TEXT, data TEXT NOT NULL);
"""
UPSERT = """
INSERT INTO records (subject, revision, absorbed_into, data) VALUES (?, ?, ?, ?)
ON CONFLICT (subject) DO UPDATE SET
    revision = excluded.revision, absorbed_into = excluded.absorbed_into, data = excluded.data
    WHERE excluded.revision > records.revision
"""


def is_genuine(headers, body):
    """
    Tell whether whoever sent this knows the secret, and sent it within the last five minutes.
    """
    event_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (sent_at.isascii() and sent_at.isdigit()) or abs(time.time() - int(sent_at)) > TOLERANCE_S:
        return False
    digest = hmac.digest(KEY, f"{event_id}.{sent_at}.".encode() + body, "sha256")
    wanted = b"v1," + base64.b64encode(digest)
    # Several signatures stand side by side while a secret is replaced; any one will do.
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(wanted, one) for one in given)


class Store:
    """
    The newest record of each subject, and the ids that were taken.
    """

    def __init__(self, path):
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.executescript(TABLES)

    def take(self, event):
        """
        Keep an event unless it was taken before; the mark and the record are one transaction.
        """
        with self._lock, self._database as database:
            if not database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (event["id"],)).rowcount:
                return
            data = event["data"]
            # Two calls proved to be one (call.merged): this one ends, the other stands for both.
            absorbed_into = data.get("absorbed_into")
            record = (event["subject"], data["revision"], absorbed_into, json.dumps(data))
            database.execute(UPSERT, record)


class Handler(BaseHTTPRequestHandler):
    """
    Answers one request after the other on a connection that stays open.
    """

    protocol_version = "HTTP/1.1"
    timeout = 60  # of a connection on which nothing comes

    def do_POST(self):
        """
        Verify, keep, answer; slow work belongs behind the answer.
        """
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True  # its body is not read
            return self.answer(413)
        body = self.rfile.read(int(length))
        if not is_genuine(self.headers, body):
            return self.answer(401)
        self.server.store.take(json.loads(body))
        return self.answer(204)

    def answer(self, status):
        """
        Answer without a body.
        """
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8099
    file = sys.argv[2] if len(sys.argv) > 2 else "calls.db"
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.store = Store(file)
    sys.stderr.write(f"listening on http://127.0.0.1:{port}/\n")
    server.serve_forever()
