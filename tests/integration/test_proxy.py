"""proxy = socks5://...: everything of an account goes through it, names included."""
import os

import pytest

from messages import message
from outpost import CONFIG, OK, TEMPFAIL
from peers.process import free_port
from peers.socks import Everywhere
from peers.web import Web
from starting import names_of
from test_discover import xml


@pytest.mark.parametrize('security', ['starttls', 'tls'])
def test_through_a_real_proxy_to_a_name_that_only_it_knows(security, outpost, postfix, socks):
    port = postfix.ports[security]
    outpost.account('smtp.elsewhere.test:%d' % port, security, proxy=socks.url)
    sent, needle = message()
    result = outpost.send(sent, 'a@x.test', '--verbose')
    assert result.status == OK, result
    assert postfix.await_messages(needle)
    assert socks.saw('smtp.elsewhere.test', port)


def test_the_server_is_not_there(outpost, socks):
    port = free_port()
    outpost.account('smtp.elsewhere.test:%d' % port, 'tls', proxy=socks.url)
    result = outpost.send(message()[0], 'a@x.test')
    assert result.status == TEMPFAIL and 'the proxy says: refused (connect_refused_no_listener)' in result.err, result


def test_the_proxy_does_not_know_the_name(outpost, socks):
    outpost.account('smtp.nowhere.test:587', proxy=socks.url)
    result = outpost.send(message()[0], 'a@x.test')
    assert result.status == TEMPFAIL and 'the proxy says: ' in result.err and '(network_unreachable)' in result.err, result


def test_the_proxy_is_not_there(outpost):
    outpost.account('smtp.elsewhere.test:587', proxy='socks5://127.0.0.1:%d' % free_port())
    result = outpost.send(message()[0], 'a@x.test')
    assert result.status == TEMPFAIL and 'connecting to the proxy 127.0.0.1' in result.err, result
    assert '(proxy_unusable)' in result.err


def test_the_proxy_is_none(outpost, postfix):
    outpost.account('smtp.elsewhere.test:587', proxy='socks5://127.0.0.1:%d' % postfix.ports['starttls'])
    result = outpost.send(message()[0], 'a@x.test', '--connect-timeout', '20')
    assert result.status != OK and '(proxy_unusable)' in result.err, result


def test_no_clear_text_through_it(outpost, socks):
    """127.0.0.1 is the proxy's, not this machine."""
    outpost.account('127.0.0.1:25', 'none', proxy=socks.url)
    result = outpost.send(message()[0], 'a@x.test')
    assert result.status == CONFIG and 'none is for this machine only' in result.err, result


def test_a_detour_needs_no_proxy(outpost, postfix):
    outpost.account('smtp.elsewhere.test:465', 'tls', proxy='socks5://127.0.0.1:%d' % free_port())
    sent, needle = message()
    result = outpost.send(sent, 'a@x.test', '--connect-to', ':465:127.0.0.1:%d' % postfix.ports['tls'])
    assert result.status == OK, result
    assert postfix.await_messages(needle)


def test_https_asks_it_for_names(outpost, authority):
    """https_proxy = socks5://... : the domain's own web server, found by the proxy alone."""
    authority.leaf('by-proxy', 'DNS:autoconfig.web.test')
    pages = {('autoconfig.web.test', '/mail/config-v1.1.xml'): xml('out.web.test', 587, 'STARTTLS')}
    web = Web(authority, pages, 'by-proxy')
    proxy = Everywhere(web.port)
    with open(outpost.config, 'w') as f:
        f.write('[outpost]\nhttps_proxy = %s\n' % proxy.url)
    os.chmod(outpost.config, 0o600)
    with names_of(['unused.test. 60 IN A 192.0.2.1']) as names:
        result = outpost.run('settings', 'me@web.test', '--json', '--dns', names.address, '--ca-file', authority.ca,
                             '--timeout', '20')
    proxy.stop()
    web.stop()
    assert result.status == OK, result
    assert result.json['candidates'][0]['host'] == 'out.web.test'
    assert (b'autoconfig.web.test', 443) in proxy.asked
