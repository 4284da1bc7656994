"""What stands before a mail server - nginx, HAProxy, stunnel -, set up wrongly on purpose: each port in one way."""
import http.server
import threading

from .debian import Root
from .peer import Peer
from .process import free_ports

# Whom nginx asks about each sign-in, and what it is told; a mail server by its port.
NGINX = {
    'nginx-wrong': ('wrong', 'ssl'), 'nginx-later': ('later', 'ssl'), 'nginx-locked': ('locked', 'ssl'),
    'nginx-broken': ('broken', 'ssl'), 'nginx-nobody': (None, 'ssl'), 'nginx-gone': ('to/1', 'ssl'),
    'nginx-xclient': ('to/%(behind)d', 'ssl'), 'nginx-only': ('to/%(behind)d', 'only'), 'nginx-off': ('to/%(behind)d', 'off'),
}
NGINX_SERVER = '  server { listen 127.0.0.1:%d%s; protocol smtp; auth_http %s;%s }\n'
NGINX_CONFIGURATION = '''
user nobody nobody;
worker_processes 1;
daemon off;
pid /tmp/nginx.pid;
error_log stderr;
load_module /usr/lib/nginx/modules/ngx_mail_module.so;
events { worker_connections 100; }
mail {
  server_name nginx.test;
  ssl_certificate /etc/front/cert.pem;
  ssl_certificate_key /etc/front/key.pem;
  smtp_auth plain login;
%s}
'''

HAPROXY = {
    'haproxy-down': ('', '1'),
    'haproxy-down-tls': (' ssl crt /etc/front/both.pem', '1'),
    'haproxy-announces': ('', '%(behind)d send-proxy'),
    'haproxy-expects': (' accept-proxy ssl crt /etc/front/both.pem', '%(behind)d'),
    'haproxy-certificate': (' ssl crt /etc/front/both.pem ca-file /etc/front/ca.pem verify required', '%(behind)d'),
    'haproxy-tls': (' ssl crt /etc/front/both.pem', '%(behind)d'),
    'haproxy-to-tls': ('', '%(behind-tls)d'),
}
HAPROXY_CONFIGURATION = '''
defaults
  mode tcp
  retries 0
  timeout connect 2s
  timeout client 60s
  timeout server 60s
%s'''

STUNNEL = {
    'stunnel-down': 'connect = 127.0.0.1:1',
    'stunnel-certificate': 'connect = 127.0.0.1:%(behind)d\nCAfile = /etc/front/ca.pem\nrequireCert = yes\nverifyChain = yes',
    'stunnel-other': 'connect = 127.0.0.1:%(behind)d\ncert = /etc/front/wrong.pem\nkey = /etc/front/wrong.key',
    'stunnel-psk': 'connect = 127.0.0.1:%(behind)d\nciphers = PSK\nsslVersion = TLSv1.2\nPSKsecrets = /etc/front/psk',
}
STUNNEL_CONFIGURATION = '''
foreground = yes
pid =
debug = 3
cert = /etc/front/cert.pem
key = /etc/front/key.pem
%s'''


class Office(http.server.BaseHTTPRequestHandler):
    """Whom nginx asks; the path is the answer."""

    def do_GET(self):
        says = {'/wrong': 'Invalid login or password', '/later': 'Temporary server problem, try again later',
                '/locked': 'Your account has been suspended'}
        self.send_response(500 if self.path == '/broken' else 200)
        self.send_header('Auth-Status', says.get(self.path, 'OK'))
        if self.path == '/later':
            self.send_header('Auth-Error-Code', '451 4.3.0')
        if self.path.startswith('/to/'):
            self.send_header('Auth-Server', '127.0.0.1')
            self.send_header('Auth-Port', self.path[4:])
        self.end_headers()

    def log_message(self, *words):
        pass


def start(authority, zone, behind, behind_tls):
    """Before a port with STARTTLS and one with TLS at once."""
    ports = {**free_ports([*NGINX, *HAPROXY, *STUNNEL]), 'behind': behind, 'behind-tls': behind_tls}
    peer = Peer('fronts', ports, ['PLAIN'], None)
    office = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Office)
    threading.Thread(target=office.serve_forever, daemon=True).start()
    at = 'http://127.0.0.1:%d/' % office.server_port
    servers = ''.join(NGINX_SERVER % (
        ports[name], ' ssl' if tls == 'ssl' else '', at + answer % ports if answer else 'http://127.0.0.1:1/',
        '' if tls == 'ssl' else ' starttls %s;' % tls) for name, (answer, tls) in NGINX.items())
    listens = ''.join('listen %s\n  bind 127.0.0.1:%d%s\n  server one 127.0.0.1:%s\n' % (name, ports[name], how, to % ports)
                      for name, (how, to) in HAPROXY.items())
    services = ''.join('[%s]\naccept = 127.0.0.1:%d\n%s\n' % (name, ports[name], how % ports) for name, how in STUNNEL.items())
    nginx = _root('nginx', 'libnginx-mod-mail', authority)
    nginx.folder('/var/log/nginx')
    nginx.folder('/var/lib/nginx')
    nginx.write('/etc/front/conf', NGINX_CONFIGURATION % servers)
    peer.run(nginx.command('/usr/sbin/nginx', '-c', '/etc/front/conf'), port=ports['nginx-wrong'])
    haproxy = _root('haproxy', 'haproxy', authority)
    haproxy.write('/etc/front/conf', HAPROXY_CONFIGURATION % listens)
    peer.run(haproxy.command('/usr/sbin/haproxy', '-db', '-f', '/etc/front/conf'), port=ports['haproxy-down'])
    stunnel = _root('stunnel', 'stunnel4', authority)
    stunnel.write('/etc/front/conf', STUNNEL_CONFIGURATION % services)
    stunnel.write('/etc/front/psk', 'somebody:0123456789abcdef0123456789abcdef\n')
    peer.run(stunnel.command('/usr/bin/stunnel4', '/etc/front/conf'), port=ports['stunnel-down'])
    return peer


def _root(name, package, authority):
    root = Root(name, [package])
    for kind in ('good', 'wrong'):
        root.copy(authority.cert(kind), '/etc/front/%s.pem' % kind.replace('good', 'cert'))
        root.copy(authority.key(kind), '/etc/front/%s.key' % kind)
    root.copy(authority.key(), '/etc/front/key.pem')
    root.copy(authority.ca, '/etc/front/ca.pem')
    with open(authority.cert()) as cert, open(authority.key()) as key:
        root.write('/etc/front/both.pem', cert.read() + key.read())
    return root
