"""A small HTTPS server with fixed pages, for autoconfig."""
import http.server
import ssl
import threading


class Web:
    """pages: {(host, path): body or status}. `asked` lists the (host, path) of every request, `posted` the bodies of
    those that had one."""

    def __init__(self, authority, pages, certificate='good'):
        web = self
        self.pages, self.asked, self.posted = pages, [], []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                place = (self.headers.get('Host', '').partition(':')[0], self.path.partition('?')[0])
                web.asked.append(place)
                page = web.pages.get(place, 404)
                body = page.encode() if isinstance(page, str) else b''
                self.send_response(200 if isinstance(page, str) else page)
                self.send_header('Content-Type', 'text/xml')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                web.posted.append(self.rfile.read(int(self.headers['Content-Length'])))
                self.do_GET()

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.cert(certificate), authority.key(certificate))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
