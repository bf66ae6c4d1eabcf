"""A server of the part of MLflow's REST API that `tutti train --track` calls, which misbehaves on
demand.  Usage: fake.py FOLDER FAULT [FILES]: prints its port; what it knows lies in FOLDER/state.json.

faults: none; down N: the first N requests get 500; garbage N: 200 with no JSON; lost: a run is made
and its answer dropped; deny: 401; batch: refuses every log-batch.
With FAKE_CERT, a file of key and certificate, it speaks https."""
import http.server
import json
import os
import ssl
import sys
import threading
import urllib.parse

folder, fault, count = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0
state = {"experiments": {}, "runs": {}, "files": {}, "requests": 0, "auth": []}
lock = threading.Lock()
left = count


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1                   # an answer leaves in one piece
    disable_nagle_algorithm = True

    def log_message(self, *a):
        pass

    def answer(self, code, body):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()

    def error(self, code, word):
        self.answer(code, {"error_code": word, "message": "as " + word})

    def handle_one(self):
        global left
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with lock:
            state["requests"] += 1
            state["auth"].append(self.headers.get("Authorization"))
            if fault == "deny":
                return self.error(401, "UNAUTHENTICATED")
            if fault in ("down", "garbage") and left > 0:
                left -= 1
                return self.error(500, "INTERNAL_ERROR") if fault == "down" else \
                    self.answer(200, b"<html>\x1b[31mhello</html>")
            self.serve(body)
            with open(folder + "/state.tmp", "w") as f:
                json.dump(state, f)
            os.replace(folder + "/state.tmp", folder + "/state.json")

    do_GET = do_POST = do_PUT = handle_one

    def serve(self, body):
        global left
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if self.command == "PUT":
            state["files"][url.path] = len(body)
            return self.answer(200, {})
        what = url.path.removeprefix("/api/2.0/mlflow/")
        j = json.loads(body) if body else {}
        if what == "experiments/get-by-name":
            e = state["experiments"].get(query["experiment_name"])
            return self.answer(200, {"experiment": {"experiment_id": e}}) if e else \
                self.error(404, "RESOURCE_DOES_NOT_EXIST")
        if what == "experiments/create":
            state["experiments"][j["name"]] = str(len(state["experiments"]) + 1)
            return self.answer(200, {"experiment_id": state["experiments"][j["name"]]})
        if what == "runs/create":
            i = "run%d" % (len(state["runs"]) + 1)
            state["runs"][i] = {"info": {"run_id": i, "artifact_uri": "mlflow-artifacts:/1/%s" % i},
                                "data": {"params": [], "metrics": [], "tags": j["tags"]}}
            if fault == "lost" and left >= 0:
                left = -1
                self.close_connection = True
                return None
            return self.answer(200, {"run": state["runs"][i]})
        if what == "runs/search":
            wanted = j["filter"].split("'")[1]
            return self.answer(200, {"runs": [r for r in state["runs"].values() if any(
                t["value"] == wanted for t in r["data"]["tags"])]})
        run = state["runs"].get(query.get("run_id") or j.get("run_id"))
        if not run:
            return self.error(404, "RESOURCE_DOES_NOT_EXIST")
        if what == "runs/update":
            run["info"].update(j)
        elif what == "runs/log-batch":
            if fault == "batch" and j.get("metrics"):
                return self.error(400, "INVALID_PARAMETER_VALUE")
            for k in ("params", "metrics", "tags"):
                run["data"][k] += j.get(k, [])
            return self.answer(200, {})
        return self.answer(200, {"run": run})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if "FAKE_CERT" in os.environ:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["FAKE_CERT"])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
