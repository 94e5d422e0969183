# usage: python3 answer.py FOLDER
# An HTTP server on loopback for the tests of channels. FOLDER/port is its port. A request for /CODE, or /CODE/AFTER, is
# answered with the status CODE, and with Retry-After: AFTER; FOLDER/requests gets a JSON line for each.
import http.server
import json
import os
import sys


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        with open(folder + "/requests", "a") as out:
            json.dump({"path": self.path, "body": body, "headers": {k.lower(): v for k, v in self.headers.items()}}, out)
            out.write("\n")
        code, *after = self.path.strip("/").split("/")
        self.send_response(int(code))
        if after:
            self.send_header("Retry-After", after[0])
        if code.startswith("3"):
            self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


folder = sys.argv[1]
server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
with open(folder + "/port.new", "w") as port:
    port.write(str(server.server_port))
os.rename(folder + "/port.new", folder + "/port")
server.serve_forever()
